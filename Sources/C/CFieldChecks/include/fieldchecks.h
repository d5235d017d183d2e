#ifndef FIELDCHECKS_H
#define FIELDCHECKS_H

#include <stddef.h>
#include <stdint.h>

// This module's take the place of nghttp2's own: see fieldchecks.c. Declared here rather than by nghttp2's header, which belongs to
// the module CNghttp2 alone: a header that two modules include has its names in either of them.
int nghttp2_check_header_name(const uint8_t *name, size_t length);
int nghttp2_check_header_value(const uint8_t *value, size_t length);
int nghttp2_check_header_value_rfc9113(const uint8_t *value, size_t length);
int nghttp2_check_path(const uint8_t *value, size_t length);
int nghttp2_check_authority(const uint8_t *value, size_t length);

#endif
