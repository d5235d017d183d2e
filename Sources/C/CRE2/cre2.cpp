#include "cre2.h"

#include <cstring>
#include <string>

#include <re2/re2.h>

struct cre2_expression {
  re2::RE2 re2;

  cre2_expression(re2::StringPiece text, const re2::RE2::Options &options) : re2(text, options) {}
};

extern "C" cre2_expression *cre2_compile(
    const char *text, size_t count, int64_t memory_max, char *error, size_t error_capacity) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_max);
  auto *expression = new cre2_expression(re2::StringPiece(text, count), options);
  if (expression->re2.ok()) return expression;
  strncpy(error, expression->re2.error().c_str(), error_capacity - 1);
  error[error_capacity - 1] = 0;
  delete expression;
  return nullptr;
}

extern "C" void cre2_free(cre2_expression *expression) { delete expression; }

extern "C" int cre2_groups(const cre2_expression *expression) { return expression->re2.NumberOfCapturingGroups(); }

extern "C" int cre2_matches(const cre2_expression *expression, const char *text, size_t count) {
  return expression->re2.Match(re2::StringPiece(text, count), 0, count, re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

extern "C" int cre2_match_groups(
    const cre2_expression *expression, const char *text, size_t count, int *starts, int *ends, int group_count) {
  re2::StringPiece groups[10];
  if (group_count > 10) return 0;
  if (!expression->re2.Match(re2::StringPiece(text, count), 0, count, re2::RE2::ANCHOR_BOTH, groups, group_count)) return 0;
  for (int i = 0; i < group_count; i++) {
    starts[i] = groups[i].data() == nullptr ? -1 : static_cast<int>(groups[i].data() - text);
    ends[i] = groups[i].data() == nullptr ? -1 : starts[i] + static_cast<int>(groups[i].size());
  }
  return 1;
}

extern "C" int cre2_range(
    const cre2_expression *expression, char *lowest, size_t *lowest_count, char *highest, size_t *highest_count, size_t capacity) {
  std::string low, high;
  // RE2 takes the length as a hint: one byte may be added where the last one is raised.
  if (!expression->re2.PossibleMatchRange(&low, &high, static_cast<int>(capacity) - 1)) return 0;
  if (low.size() > capacity || high.size() > capacity) return 0;
  memcpy(lowest, low.data(), low.size());
  memcpy(highest, high.data(), high.size());
  *lowest_count = low.size();
  *highest_count = high.size();
  return 1;
}
