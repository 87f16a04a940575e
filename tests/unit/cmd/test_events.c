/* SPDX-License-Identifier: Apache-2.0 */
/* events: several containers, intervals as Go writes them, and each event as it comes.  */
#include "program.h"

static void
events_stream (void **state)
{
  (void) state;
  answer.json = "{\"type\":\"oom\",\"id\":\"c1\"}\n";
  assert_deed ("events c1 c2", "events", "c1");
  assert_int_equal (seen.n_ids, 2);
  assert_string_equal (seen.ids[1], "c2");
  assert_false (seen.flag);
  assert_int_equal (seen.interval_ns, 5000000000);
  assert_string_equal (seen.out, "{\"type\":\"oom\",\"id\":\"c1\"}\n");
}

static void
events_stats (void **state)
{
  (void) state;
  assert_deed ("events --stats c1", "events", "c1");
  assert_true (seen.flag);
  assert_string_equal (seen.out, "");
}

static void
events_interval (void **state)
{
  (void) state;
  assert_deed ("events --interval 1m30s c1", "events", "c1");
  assert_int_equal (seen.interval_ns, 90000000000);
  assert_deed ("events --interval=500ms c1", "events", "c1");
  assert_int_equal (seen.interval_ns, 500000000);
  assert_refused ("events --interval 5 c1", 1, "invalid duration \"5\"");
  assert_refused ("events --interval 99999999h c1", 1, "too long");
  assert_refused ("events --interval 0s c1", 1, "must be more than 0");
  assert_refused ("events --interval -5s c1", 1, "invalid duration");
}

static void
events_failures (void **state)
{
  (void) state;
  assert_refused ("events", 1, "an operand is missing");
  answer.ret = -ESRCH;
  assert_int_equal (orlop ("events c1"), 1);
  assert_string_equal (seen.call, "events");
  assert_string_equal (seen.err, "orlop: events: the text (hint: advice)\n");
}

static void
events_help (void **state)
{
  (void) state;
  assert_help (&cmd_events);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (events_stream),
    program_test (events_stats),
    program_test (events_interval),
    program_test (events_failures),
    program_test (events_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
