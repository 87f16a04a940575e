/* SPDX-License-Identifier: Apache-2.0 */
/* Signal names and the clean state. */
#include "in_child.h"

#include <signal.h>

#include "kernel/pid.h"
#include "kernel/signal.h"

static void
signal_number_good (void **state)
{
  static const struct
  {
    const char *text;
    int number;
  } cases[] = { { "TERM", 15 },     { "SIGTERM", 15 },   { "sigterm", 15 },  { "term", 15 },     { "KILL", 9 },
                { "15", 15 },       { "0", 0 },          { "64", 64 },       { "CHLD", SIGCHLD }, { "CLD", SIGCHLD },
                { "IOT", SIGABRT }, { "POLL", SIGIO },   { "RTMIN", 34 },    { "SIGRTMIN", 34 }, { "RTMIN+3", 37 },
                { "sigrtmin+30", 64 }, { "RTMAX", 64 },  { "SIGRTMAX-1", 63 }, { "RTMAX-30", 34 }, { "WINCH", SIGWINCH } };
  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (signal_number (cases[i].text) != cases[i].number)
      fail_msg ("%s is %d", cases[i].text, signal_number (cases[i].text));
}

static void
signal_number_bad (void **state)
{
  static const char *const cases[]
      = { "",        "SIG",     "NONE",     "65",        "-1",       "+9",      " 9",      "9 ",        "0x9",     "TERM ",
          "SIGSIGTERM", "RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMAX-31", "RTMIN+", "RTMIN+ 1", "RTMINN", "RTMIN++1", "99999999999999999999" };
  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (signal_number (cases[i]) != -EINVAL)
      fail_msg ("\"%s\" is %d", cases[i], signal_number (cases[i]));
}

static void
signal_names_show_the_usual_word (void **state)
{
  (void) state;
  assert_string_equal (value_name (signal_names, SIGABRT), "SIGABRT");
  assert_string_equal (value_name (signal_names, SIGCHLD), "SIGCHLD");
  for (unsigned i = 1; i < 32; i++)
    assert_non_null (value_name (signal_names, i));
}

/* Ignores and blocks everything.  */
static void
make_mess (void)
{
  sigset_t all;
  for (int sig = 1; sig <= SIGRTMAX; sig++)
    signal (sig, SIG_IGN);
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
}

static int
resets (void *arg)
{
  struct pid_self self;
  (void) arg;
  make_mess ();
  CHECK (pid_self (&self) == 0 && self.ignored != 0 && self.blocked != 0);
  CHECK (signal_reset () == 0);
  CHECK (pid_self (&self) == 0);
  CHECK (self.ignored == 0 && self.blocked == 0);
  return 0;
}

static void
signal_reset_all (void **state)
{
  (void) state;
  assert_child (resets);
}

static int
resets_some (void *arg)
{
  struct pid_self self;
  (void) arg;
  make_mess ();
  CHECK (pid_self (&self) == 0);
  uint64_t before = self.ignored, one = 1ULL << (SIGPIPE - 1);
  CHECK (signal_reset_ignored (one) == 0);
  CHECK (pid_self (&self) == 0 && self.ignored == (before & ~one) && self.blocked == 0);
  CHECK (signal_reset_ignored (before) == 0);
  CHECK (pid_self (&self) == 0 && self.ignored == 0);
  return 0;
}

static void
signal_reset_ignored_only_those (void **state)
{
  (void) state;
  assert_child (resets_some);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (signal_number_good),
    cmocka_unit_test (signal_number_bad),
    cmocka_unit_test (signal_names_show_the_usual_word),
    cmocka_unit_test (signal_reset_all),
    cmocka_unit_test (signal_reset_ignored_only_those),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
