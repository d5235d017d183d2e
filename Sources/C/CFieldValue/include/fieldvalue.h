#ifndef FIELDVALUE_H
#define FIELDVALUE_H

#include <stddef.h>
#include <stdint.h>

// This module's takes the place of nghttp2's own: see fieldvalue.c. Declared here rather than by nghttp2's header, which belongs to
// the module CNghttp2 alone: a header that two modules include has its names in either of them.
int nghttp2_check_header_value(const uint8_t *value, size_t length);

#endif
