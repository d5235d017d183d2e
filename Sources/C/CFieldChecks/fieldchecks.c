// nghttp2 checks the name and the value of every field before it calls back, a byte at a time: a thirtieth of what a plain call costs, and
// nine tenths of what an HPACK bomb costs until its connection is ended. It does so through functions that it exports, and that a program
// may therefore define for itself (ELF symbol interposition). These do the same, sixteen bytes at a time. Where the library was linked so that
// it calls its own nevertheless, nothing changes but the price.
#include "include/fieldchecks.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef uint8_t block __attribute__((vector_size(16)));

static inline block load(const uint8_t *bytes) {
    block loaded;
    memcpy(&loaded, bytes, sizeof loaded);
    return loaded;
}

// One to sixteen bytes, some of them more than once.
static inline block load_few(const uint8_t *bytes, size_t length) {
    block loaded;
    if (length >= 8) {
        uint64_t ends[2];
        memcpy(&ends[0], bytes, 8);
        memcpy(&ends[1], bytes + length - 8, 8);
        memcpy(&loaded, ends, sizeof loaded);
    } else {
        uint32_t ends[4];
        if (length >= 4) {
            memcpy(&ends[0], bytes, 4);
            memcpy(&ends[1], bytes + length - 4, 4);
        } else {
            uint32_t last = bytes[length - 1];
            ends[0] = ends[1] = bytes[0] | (uint32_t)bytes[length / 2] << 8 | last << 16 | last << 24;
        }
        ends[2] = ends[0];
        ends[3] = ends[1];
        memcpy(&loaded, ends, sizeof loaded);
    }
    return loaded;
}

// Whether any byte has its highest bit.
static inline int any(block bytes) {
#ifdef __SSE2__
    return _mm_movemask_epi8((__m128i)bytes) != 0;
#else
    uint64_t halves[2];
    memcpy(halves, &bytes, sizeof halves);
    return ((halves[0] | halves[1]) & 0x8080808080808080) != 0;
#endif
}

#define IN(bytes, first, last) ((block)((bytes) - (first) <= (last) - (first)))

// Defines the check of a text of any length by `refused`, which has ones in the place of each byte that it refuses.
#define CHECK(name, refused)                                                                      \
    static inline int name(const uint8_t *bytes, size_t length) {                                 \
        if (length <= sizeof(block)) return length == 0 || !any(refused(load_few(bytes, length))); \
        const uint8_t *last = bytes + length - sizeof(block);                                     \
        /* The last block may overlap the one before it. */                                       \
        block found = refused(load(last));                                                        \
        for (; bytes < last; bytes += sizeof(block)) found |= refused(load(bytes));               \
        return !any(found);                                                                       \
    }

// Values (RFC 9110, section 5.5; RFC 9113, section 8.2.1): no control character but the tab.
static inline block refused_in_value(block bytes) { return (block)(((bytes < 0x20) & (bytes != '\t')) | (bytes == 0x7f)); }
CHECK(is_value, refused_in_value)

// Paths: visible characters, and bytes beyond ASCII, which nghttp2 lets pass.
static inline block refused_in_path(block bytes) { return (block)((bytes < 0x21) | (bytes == 0x7f)); }
CHECK(is_path, refused_in_path)

// Of names and authorities only the characters are known here that nearly all of them are made of.
static inline block uncommon_in_name(block bytes) { return ~(IN(bytes, 'a', 'z') | (block)(bytes == '-')); }
CHECK(is_common_name, uncommon_in_name)
static inline block uncommon_in_authority(block bytes) {
    return ~(IN(bytes | 0x20, 'a', 'z') | IN(bytes, '0', ':') | IN(bytes, '-', '.'));
}
CHECK(is_common_authority, uncommon_in_authority)

// Whether there are only letters, digits and `others`; letters of either case with `case_bit`. Out of line, for what is rare.
__attribute__((noinline)) static int consists_of(const uint8_t *bytes, size_t length, const char *others, uint8_t case_bit) {
    for (size_t index = 0; index < length; index++) {
        uint8_t byte = bytes[index], lower = byte | case_bit;
        if ((lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9')) continue;
        if (byte == 0 || !strchr(others, byte)) return 0;
    }
    return 1;
}

int nghttp2_check_header_value(const uint8_t *value, size_t length) { return is_value(value, length); }

// The same, and no blanks around it.
int nghttp2_check_header_value_rfc9113(const uint8_t *value, size_t length) {
    if (length == 0) return 1;
    uint8_t first = value[0], last = value[length - 1];
    if (first == ' ' || first == '\t' || last == ' ' || last == '\t') return 0;
    return is_value(value, length);
}

int nghttp2_check_path(const uint8_t *value, size_t length) { return is_path(value, length); }

// Names: tokens in lower case (RFC 9110, section 5.6.2; RFC 9113, section 8.2.1), or one behind a colon.
int nghttp2_check_header_name(const uint8_t *name, size_t length) {
    if (length > 0 && name[0] == ':') {
        name++;
        length--;
    }
    if (length == 0) return 0;
    return is_common_name(name, length) ? 1 : consists_of(name, length, "!#$%&'*+-.^_`|~", 0);
}

// What may stand in userinfo, host and port (RFC 3986, section 3.2).
int nghttp2_check_authority(const uint8_t *value, size_t length) {
    return is_common_authority(value, length) ? 1 : consists_of(value, length, "!$%&'()*+,-.:;=@[]_~", 0x20);
}
