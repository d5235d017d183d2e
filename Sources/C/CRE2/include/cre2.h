// RE2 for C: compile once, match from any thread. RE2 runs in time linear in the text, whatever the expression.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_expression cre2_expression;

/// Compiles UTF-8 text in RE2's syntax. NULL, with RE2's own message in `error`, where it does not compile or its program would not
/// fit in `memory_max` bytes. The automaton that matching builds stays below that, too.
cre2_expression *cre2_compile(const char *text, size_t count, int64_t memory_max, char *error, size_t error_capacity);
void cre2_free(cre2_expression *expression);

/// How many capturing groups it has, the whole text not counted.
int cre2_groups(const cre2_expression *expression);

/// 1 where the expression takes all of the text, else 0.
int cre2_matches(const cre2_expression *expression, const char *text, size_t count);

/// The same, with where the first `group_count` groups lie, group 0 the whole: offsets of their beginnings and ends, -1 for a group that
/// took no part. At most 10.
int cre2_match_groups(
    const cre2_expression *expression, const char *text, size_t count, int *starts, int *ends, int group_count);

/// The lowest and the highest text that may match, as far as RE2 knows: 0 where it knows nothing. Both have room for
/// `capacity` bytes, and no more are asked for.
int cre2_range(const cre2_expression *expression, char *lowest, size_t *lowest_count, char *highest, size_t *highest_count, size_t capacity);

#ifdef __cplusplus
}
#endif
