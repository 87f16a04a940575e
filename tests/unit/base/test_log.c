/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to a sink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* What arrived last.  */
struct sink
{
  int n;
  enum log_level level;
  char message[8192];
};

static void
take (void *data, enum log_level level, const char *message)
{
  struct sink *s = data;

  s->n++;
  s->level = level;
  (void) snprintf (s->message, sizeof s->message, "%s", message);
}

static void
log_levels (void **state)
{
  struct sink s = { .n = 0 };
  struct log log = { .level = LOG_LEVEL_DEBUG, .write = take, .data = &s };

  (void) state;
  log_debug (&log, "mounts: %s \"%d\"", "move", 3);
  assert_true (s.n == 1 && s.level == LOG_LEVEL_DEBUG);
  assert_string_equal (s.message, "mounts: move \"3\"");
  log_warn (&log, "no %s", "cgroup");
  assert_true (s.n == 2 && s.level == LOG_LEVEL_WARNING);
  assert_string_equal (s.message, "no cgroup");
  log.level = LOG_LEVEL_WARNING;
  log_debug (&log, "x");
  assert_int_equal (s.n, 2);
  log_warn (&log, "x");
  assert_int_equal (s.n, 3);
  log.level = LOG_LEVEL_ERROR;
  log_warn (&log, "x");
  assert_int_equal (s.n, 3);
}

static void
log_nobody_listens (void **state)
{
  const struct log silent = { .level = LOG_LEVEL_DEBUG };

  (void) state;
  log_debug (NULL, "x");
  log_warn (NULL, "x");
  log_debug (&silent, "x");
  log_warn (&silent, "x");
}

static void
log_cuts_long_messages (void **state)
{
  struct sink s = { .n = 0 };
  const struct log log = { .level = LOG_LEVEL_DEBUG, .write = take, .data = &s };

  (void) state;
  log_debug (&log, "%06000d", 1);
  assert_int_equal (s.n, 1);
  assert_int_equal (strlen (s.message), 4095);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (log_levels),
    cmocka_unit_test (log_nobody_listens),
    cmocka_unit_test (log_cuts_long_messages),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
