// nghttp2 checks every value of every field before it calls back, a byte at a time: nine tenths of what an HPACK bomb costs
// until its connection is ended. It does so through a function that it exports, and that a program may therefore define for
// itself (ELF symbol interposition). This one does the same, sixteen bytes at a time. Where the library was linked so that it calls
// its own nevertheless, nothing changes but the price.
#include "include/fieldvalue.h"

#include <stdint.h>
#include <string.h>

typedef uint8_t block __attribute__((vector_size(16)));

// A control character but the tab (RFC 9110, section 5.5; RFC 9113, section 8.2.1).
static inline int is_refused(uint8_t byte) { return (byte < 0x20 && byte != '\t') || byte == 0x7f; }

static inline block load(const uint8_t *bytes) {
    block loaded;
    memcpy(&loaded, bytes, sizeof loaded);
    return loaded;
}

// Ones in the place of each byte that is_refused.
static inline block refused(block bytes) { return (block)(((bytes < 0x20) & (bytes != '\t')) | (bytes == 0x7f)); }

static inline int is_zero(block bytes) {
    uint64_t halves[2];
    memcpy(halves, &bytes, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

int nghttp2_check_header_value(const uint8_t *value, size_t length) {
    if (length < sizeof(block)) {
        for (size_t i = 0; i < length; i++)
            if (is_refused(value[i])) return 0;
        return 1;
    }
    const uint8_t *last = value + length - sizeof(block);
    // The last block may overlap the one before it.
    block found = refused(load(last));
    for (; value < last; value += sizeof(block)) found |= refused(load(value));
    return is_zero(found);
}
