#ifndef FIELDVALUE_H
#define FIELDVALUE_H

#include <nghttp2/nghttp2.h>

// nghttp2_check_header_value of this module takes the place of nghttp2's own: see fieldvalue.c.

#endif
