/* SPDX-License-Identifier: Apache-2.0 */
/* HOME from an /etc/passwd that its image's maker wrote: found, absent, and everything that a hostile one can be. */
#include "child.h"

static const char *envp[5000];

/* In a process of its own, with the room as root.  */
static int
look_up (void *arg)
{
  const char *expected = arg;

  CHECK (chroot (".") == 0);
  if (expected == NULL)
    CHECK (child_home (&child, &child_err) == -E2BIG);
  else
    {
      CHECK (child_home (&child, &child_err) == 0);
      if (strcmp (child.home, expected) != 0)
        {
          fprintf (stderr, "%s instead of %s\n", child.home, expected);
          return __LINE__;
        }
      CHECK (child.envp[child_plan.process.n_envp] == child.home);
      CHECK (child.envp[child_plan.process.n_envp + 1] == NULL);
    }
  return 0;
}

/* HOME of UID must become EXPECTED; NULL: too many variables.  */
static void
assert_home (void **state, uid_t uid, const char *expected)
{
  const struct room *r = *state;
  int old = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);

  child_needs_root ("another root directory");
  child_plan.process.uid = uid;
  child_plan.process.envp = envp;
  assert_int_equal (chdir (r->path), 0);
  assert_child_arg (look_up, (void *) (uintptr_t) expected, expected ? expected : "E2BIG");
  assert_int_equal (fchdir (old), 0);
  close (old);
}

static void
write_passwd (void **state, const char *text)
{
  if (access (room_path (state, "etc"), F_OK) < 0)
    assert_int_equal (mkdir (room_path (state, "etc"), 0755), 0);
  room_write (state, "etc/passwd", text, 0644);
}

static void
child_home_of_the_user (void **state)
{
  write_passwd (state, "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann,,,:/home/ann:/bin/sh\nlast:x:7:7::/last:");
  assert_home (state, 0, "HOME=/root");
  assert_home (state, 1000, "HOME=/home/ann");
  assert_home (state, 7, "HOME=/last"); /* no line feed at the end */
  assert_home (state, 8, "HOME=/");
  assert_home (state, 4294967294u, "HOME=/");
}

static void
child_home_without_file (void **state)
{
  assert_home (state, 0, "HOME=/");
  write_passwd (state, "");
  assert_home (state, 0, "HOME=/");
}

static void
child_home_strict_lines (void **state)
{
  static const char *const bad[] = {
    "a:x:5", "a:x:5:5:", "a:x:5:5::home:", "a:x:5:5:::", "a:x: 5:5::/h:", "a:x:+5:5::/h:", "a:x:5a:5::/h:", "a:x:-5:5::/h:",
    "a:x:4294967301:5::/h:", "a:x::5::/h:", "5", ":", "::::::::", "\n\n",
  };

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      write_passwd (state, bad[i]);
      assert_home (state, 5, "HOME=/");
    }
  write_passwd (state, "a:x:5:5:\nb:x:5:5::/second:\n"); /* a bad line hides no good one */
  assert_home (state, 5, "HOME=/second");
  write_passwd (state, "b:x:5:5::/first:\nb:x:5:5::/second:\n");
  assert_home (state, 5, "HOME=/first");
}

static void
child_home_long_lines (void **state)
{
  char *text = calloc (1, 40000);

  assert_non_null (text);
  memset (text, 'a', 9000); /* more than the buffer: passed over, and its rest is no line */
  (void) strcpy (text + 9000, ":x:5:5::/long:\nb:x:5:5::/short:\n");
  write_passwd (state, text);
  assert_home (state, 5, "HOME=/short");
  (void) strcpy (text, "b:x:5:5::/");
  memset (text + 10, 'h', 1000); /* a home that does not fit */
  (void) strcpy (text + 1010, ":\n");
  write_passwd (state, text);
  assert_home (state, 5, "HOME=/");
  for (size_t pad = 4060; pad < 4100; pad++) /* a line across the end of the buffer, wherever it is */
    {
      memset (text, 'x', pad);
      (void) strcpy (text + pad, "\nb:x:5:5::/across:\n");
      write_passwd (state, text);
      assert_home (state, 5, "HOME=/across");
    }
  free (text);
}

static void
child_home_is_found_within_a_bound (void **state)
{
  FILE *f;

  write_passwd (state, "");
  f = fopen (room_path (state, "etc/passwd"), "w");
  assert_non_null (f);
  for (int i = 0; i < 40000; i++)
    (void) fprintf (f, "user%d:x:%d:1::/home/%d:/bin/sh\n", i, 100000 + i, i);
  (void) fprintf (f, "far:x:5:5::/far:\n");
  (void) fclose (f);
  assert_home (state, 100001, "HOME=/home/1");
  assert_home (state, 5, "HOME=/"); /* beyond a mebibyte nobody looks */
}

static void
child_home_no_regular_file (void **state)
{
  assert_int_equal (mkdir (room_path (state, "etc"), 0755), 0);
  assert_int_equal (mkfifo (room_path (state, "etc/passwd"), 0644), 0);
  assert_home (state, 0, "HOME=/"); /* at once: nobody waits for a writer */
  assert_int_equal (unlink (room_path (state, "etc/passwd")), 0);
  assert_int_equal (mkdir (room_path (state, "etc/passwd"), 0755), 0);
  assert_home (state, 0, "HOME=/");
  assert_int_equal (rmdir (room_path (state, "etc/passwd")), 0);
  room_write (state, "elsewhere", "root:x:0:0::/linked:", 0644);
  assert_int_equal (symlink ("/elsewhere", room_path (state, "etc/passwd")), 0); /* within the root, as images have it */
  assert_home (state, 0, "HOME=/linked");
}

static void
child_home_with_a_full_environment (void **state)
{
  for (size_t i = 0; i < 4999; i++)
    envp[i] = "A=1";
  child_plan.process.n_envp = 4094;
  assert_home (state, 0, "HOME=/");
  child_plan.process.n_envp = 4095;
  assert_home (state, 0, NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_home_of_the_user),
    child_test (child_home_without_file),
    child_test (child_home_strict_lines),
    child_test (child_home_long_lines),
    child_test (child_home_is_found_within_a_bound),
    child_test (child_home_no_regular_file),
    child_test (child_home_with_a_full_environment),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
