#include <zlib.h>

/* deflateInit2 and inflateInit2 are macros: 16 more window bits stand for gzip's own head and end. */
static inline int martlet_gzip_inflate_begin(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

static inline int martlet_gzip_deflate_begin(z_stream *stream, int level, int window_bits, int memory_level) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits + 16, memory_level, Z_DEFAULT_STRATEGY);
}
