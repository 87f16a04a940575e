/* SPDX-License-Identifier: Apache-2.0 */
/* Id mappings: the checks, the lookup, writing into a real user namespace, the helpers by stand-ins on PATH. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/err.h"
#include "kernel/idmap.h"

static void
idmap_check_good (void **state)
{
  const struct idmap maps[] = { { 0, 1000, 1 }, { 1, 100000, 65535 }, { 65536, 0, 1000 }, { 4294967294U, 4294967294U, 1 } };
  (void) state;
  assert_int_equal (idmap_check ("linux.uidMappings", maps, 4, NULL), 0);
  assert_int_equal (idmap_check ("linux.uidMappings", maps, 0, NULL), 0);
}

static void
assert_bad (const struct idmap *maps, size_t n, const char *what)
{
  struct err err = { 0 };
  assert_int_equal (idmap_check ("linux.uidMappings", maps, n, &err), -EINVAL);
  assert_string_equal (err.where, "linux.uidMappings");
  assert_string_equal (err.what, what);
}

static void
idmap_check_empty (void **state)
{
  const struct idmap maps[] = { { 0, 0, 0 } };
  (void) state;
  assert_bad (maps, 1, "mapping 0 is empty or goes beyond the last id");
}

static void
idmap_check_beyond_last (void **state)
{
  const struct idmap inside[] = { { 1, 0, 4294967295U } };
  const struct idmap outside[] = { { 0, 4294967295U, 1 } };
  const struct idmap all_but_last[] = { { 0, 0, 4294967295U } };
  (void) state;
  assert_bad (inside, 1, "mapping 0 is empty or goes beyond the last id");
  assert_bad (outside, 1, "mapping 0 is empty or goes beyond the last id");
  assert_int_equal (idmap_check ("x", all_but_last, 1, NULL), 0);
}

static void
idmap_check_overlap (void **state)
{
  const struct idmap inside[] = { { 0, 1000, 10 }, { 9, 2000, 1 } };
  const struct idmap outside[] = { { 0, 1000, 10 }, { 100, 995, 6 } };
  (void) state;
  assert_bad (inside, 2, "mappings 0 and 1 overlap");
  assert_bad (outside, 2, "mappings 0 and 1 overlap");
}

static void
idmap_check_too_many (void **state)
{
  struct idmap maps[IDMAP_MAX + 1];
  (void) state;
  for (unsigned i = 0; i <= IDMAP_MAX; i++)
    maps[i] = (struct idmap){ i, i, 1 };
  assert_int_equal (idmap_check ("x", maps, IDMAP_MAX, NULL), 0);
  assert_bad (maps, IDMAP_MAX + 1, "341 mappings are more than the kernel takes");
  for (unsigned i = 0; i < IDMAP_MAX; i++)
    maps[i] = (struct idmap){ 1000000 + i, 2000000 + i, 1 };
  assert_bad (maps, IDMAP_MAX, "340 mappings are more than the kernel takes"); /* more than a page of text */
}

static void
idmap_translate_cases (void **state)
{
  const struct idmap maps[] = { { 0, 1000, 1 }, { 1, 100000, 65535 } };
  (void) state;
  assert_int_equal (idmap_translate (maps, 2, 0), 1000);
  assert_int_equal (idmap_translate (maps, 2, 1), 100000);
  assert_int_equal (idmap_translate (maps, 2, 65535), 165534);
  assert_int_equal (idmap_translate (maps, 2, 65536), -1);
  assert_int_equal (idmap_translate (maps, 0, 0), -1);
}

static void
idmap_is_own_cases (void **state)
{
  const struct idmap one[] = { { 0, 1000, 1 }, { 1, 1001, 1 } };
  const struct idmap two[] = { { 0, 1000, 2 } };
  (void) state;
  assert_true (idmap_is_own (one, 1, 1000));
  assert_false (idmap_is_own (one, 1, 1001));
  assert_false (idmap_is_own (one, 2, 1000));
  assert_false (idmap_is_own (two, 1, 1000));
  assert_false (idmap_is_own (one, 0, 1000));
}

/* What a child in a fresh user namespace found once the maps were written.  */
struct found
{
  uid_t uid;
  gid_t gid;
  char setgroups[8];
};

/* Clones such a child, writes its maps, returns what idmap_write did; -ENOSYS: no user namespaces.  */
static int
write_for_child (const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid, bool setgroups,
                 struct found *ret, struct err *err)
{
  int to_child[2], from_child[2];
  char path[32], byte;
  assert_return_code (pipe (to_child), errno);
  assert_return_code (pipe (from_child), errno);
  pid_t pid = fork ();
  if (pid == 0)
    {
      struct found found = { 0 };
      byte = unshare (CLONE_NEWUSER) == 0 ? 'y' : 'n';
      if (write (from_child[1], &byte, 1) != 1 || read (to_child[0], &byte, 1) != 1)
        _exit (1);
      found.uid = getuid ();
      found.gid = getgid ();
      int fd = open ("/proc/self/setgroups", O_RDONLY);
      _exit (read (fd, found.setgroups, sizeof found.setgroups - 1) < 0 || write (from_child[1], &found, sizeof found) < 0);
    }
  assert_int_equal (read (from_child[0], &byte, 1), 1);
  int written = -ENOSYS;
  if (byte == 'y')
    {
      snprintf (path, sizeof path, "/proc/%d", pid);
      int dir = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
      written = idmap_write (dir, uid, n_uid, gid, n_gid, setgroups, err);
      if (written == 0 && n_uid > 1) /* a map can be written once */
        assert_int_equal (idmap_write (dir, uid, n_uid, NULL, 0, true, NULL), -EPERM);
      close (dir);
    }
  assert_int_equal (write (to_child[1], "g", 1), 1);
  assert_int_equal (read (from_child[0], ret, sizeof *ret), sizeof *ret);
  waitpid (pid, NULL, 0);
  for (int i = 0; i < 2; i++)
    close (to_child[i]), close (from_child[i]);
  return written;
}

static void
idmap_write_many (void **state)
{
  const struct idmap uid[] = { { 5, getuid (), 1 }, { 100, 100000, 1000 } };
  const struct idmap gid[] = { { 7, getgid (), 1 }, { 100, 100000, 1000 } };
  struct found found;
  struct err err = { 0 };
  (void) state;
  if (geteuid () != 0)
    {
      print_message ("skipped: not root\n");
      skip ();
    }
  int ret = write_for_child (uid, 2, gid, 2, true, &found, &err);
  if (ret == -ENOSYS)
    {
      print_message ("skipped: no user namespaces\n");
      skip ();
    }
  assert_int_equal (ret, 0);
  assert_int_equal (found.uid, 5);
  assert_int_equal (found.gid, 7);
  assert_string_equal (found.setgroups, "allow\n");
}

static void
idmap_write_setgroups_denied (void **state)
{
  const struct idmap uid[] = { { 0, getuid (), 1 } };
  const struct idmap gid[] = { { 0, getgid (), 1 } };
  struct found found;
  (void) state;
  int ret = write_for_child (uid, 1, gid, 1, false, &found, NULL);
  if (ret == -ENOSYS)
    {
      print_message ("skipped: no user namespaces\n");
      skip ();
    }
  assert_int_equal (ret, 0);
  assert_int_equal (found.uid, 0);
  assert_int_equal (found.gid, 0);
  assert_string_equal (found.setgroups, "deny\n");
}

static void
idmap_write_error_names_file (void **state)
{
  struct err err = { 0 };
  const struct idmap bad[] = { { 0, 0, 0 } };
  struct found found;
  (void) state;
  int ret = write_for_child (bad, 1, NULL, 0, true, &found, &err);
  if (ret == -ENOSYS)
    {
      print_message ("skipped: no user namespaces\n");
      skip ();
    }
  assert_int_equal (ret, -EINVAL);
  assert_string_equal (err.call, "write");
  assert_non_null (strstr (err.object, "uid_map"));
}

/* ---- the helpers ---- */

/* Puts a script NAME into DIR.  */
static void
make_script (const char *dir, const char *name, const char *text)
{
  char path[128];
  snprintf (path, sizeof path, "%s/%s", dir, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
  assert_int_equal (write (fd, text, strlen (text)), strlen (text));
  close (fd);
}

/* Makes a directory the whole PATH.  */
static int
make_path (void **state)
{
  char *dir = strdup ("/tmp/orlop-test-XXXXXX");
  *state = mkdtemp (dir);
  return *state ? setenv ("PATH", dir, 1) : -1;
}

static int
remove_path (void **state)
{
  static const char *const names[] = { "newuidmap", "newgidmap", "args" };
  int dir = open (*state, O_PATH | O_DIRECTORY);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unlinkat (dir, names[i], 0);
  close (dir);
  rmdir (*state);
  free (*state);
  return 0;
}

static const struct idmap two[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };

static void
idmap_helper_arguments (void **state)
{
  char text[256] = "", path[128], want[256];
  (void) state;
  make_script (*state, "newuidmap", "#!/bin/sh\necho \"${0##*/} $*\" >> \"${0%/*}/args\"\n");
  make_script (*state, "newgidmap", "#!/bin/sh\necho \"${0##*/} $*\" >> \"${0%/*}/args\"\n");
  assert_int_equal (idmap_helper (4321, two, 2, two, 1, NULL), 0);
  snprintf (path, sizeof path, "%s/args", (char *) *state);
  int fd = open (path, O_RDONLY);
  assert_true (read (fd, text, sizeof text - 1) > 0);
  close (fd);
  snprintf (want, sizeof want, "newgidmap 4321 0 1000 1\nnewuidmap 4321 0 1000 1 1 100000 65536\n");
  assert_string_equal (text, want);
}

static void
idmap_helper_refuses (void **state)
{
  struct err err = { 0 };
  make_script (*state, "newgidmap", "#!/bin/sh\necho 'newgidmap: range not allowed' >&2; echo more >&2; exit 1\n");
  assert_int_equal (idmap_helper (4321, two, 2, two, 2, &err), -EPERM);
  assert_string_equal (err.what, "newgidmap failed: newgidmap: range not allowed");
}

static void
idmap_helper_talks_too_much (void **state)
{
  struct err err = { 0 };
  make_script (*state, "newgidmap",
               "#!/bin/sh\ni=0; while [ $i -lt 5000 ]; do echo -n 0123456789abcdef0123456789 >&2; i=$((i+1)); done; exit 1\n");
  assert_int_equal (idmap_helper (4321, two, 2, two, 2, &err), -EPERM);
  assert_non_null (strstr (err.what, "newgidmap failed: 0123"));
}

static void
idmap_helper_missing (void **state)
{
  struct err err = { 0 };
  (void) state;
  assert_int_equal (idmap_helper (4321, two, 2, two, 2, &err), -ENOENT);
  assert_string_equal (err.object, "newgidmap");
}

/* A namespace that outlives its maker, with the maps asked for.  */
static int
makes_userns (void *arg)
{
  const struct idmap uid[] = { { 0, 2000, 10 } }, gid[] = { { 5, 3000, 1 } };
  struct stat own, other;
  char text[64] = "";
  int status;
  (void) arg;

  CHILD_SKIP_UNLESS (geteuid () == 0, "needs root");
  int fd = idmap_userns (uid, 1, gid, 1, NULL);
  CHECK (fd >= 0 && waitpid (-1, NULL, __WALL) < 0 && errno == ECHILD);
  CHECK (stat ("/proc/self/ns/user", &own) == 0 && fstat (fd, &other) == 0 && own.st_ino != other.st_ino);
  pid_t pid = fork ();
  if (pid == 0) /* only inside are the maps to be seen */
    {
      int map = -1;

      if (setns (fd, CLONE_NEWUSER) == 0)
        map = open ("/proc/self/gid_map", O_RDONLY);
      _exit (map >= 0 && read (map, text, sizeof text - 1) > 0 && strtol (text, NULL, 10) == 5 && strstr (text, "3000") ? 0 : 1);
    }
  CHECK (waitpid (pid, &status, 0) == pid && status == 0);
  return 0;
}

static void
idmap_userns_makes (void **state)
{
  (void) state;
  assert_child (makes_userns);
}

static int
userns_refused (void *arg)
{
  const struct idmap twice[] = { { 0, 2000, 10 }, { 5, 3000, 10 } };
  struct err err = { 0 };
  (void) arg;

  CHILD_SKIP_UNLESS (geteuid () == 0, "needs root");
  CHECK (idmap_userns (twice, 2, twice, 2, &err) == -EINVAL && strstr (err.object, "gid_map"));
  CHECK (waitpid (-1, NULL, __WALL) < 0 && errno == ECHILD); /* nobody is left waiting */
  return 0;
}

static void
idmap_userns_refused (void **state)
{
  (void) state;
  assert_child (userns_refused);
}

static void
idmap_parse_cases (void **state)
{
  static const char *const bad[] = { "0 1 2", "0 1\n", "x 1 2\n", "0 1 2 3\n", "\n" };
  struct idmap m[IDMAP_MAX];

  (void) state;
  assert_int_equal (idmap_parse ("         0       1000          1\n         1     100000      65536\n", m), 2);
  assert_true (m[0].inside == 0 && m[0].outside == 1000 && m[0].size == 1 && m[1].inside == 1 && m[1].outside == 100000 && m[1].size == 65536);
  assert_int_equal (idmap_parse ("         0          0 4294967295\n", m), 1);
  assert_int_equal (m[0].size, UINT32_MAX);
  assert_int_equal (idmap_parse ("", m), 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal (idmap_parse (bad[i], m), -EPROTO);
}

static int
reads (void *arg)
{
  static struct idmap_maps m;
  const struct idmap uid[] = { { 0, 2000, 10 }, { 20, 3000, 5 } }, gid[] = { { 0, 4000, 1 } };
  struct err err = { 0 };

  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "needs root");
  int fd = idmap_userns (uid, 2, gid, 1, NULL);
  CHECK (fd >= 0 && idmap_read (fd, "its", &m, NULL) == 0);
  CHECK (m.n_uid == 2 && memcmp (m.uid, uid, sizeof uid) == 0 && m.n_gid == 1 && memcmp (m.gid, gid, sizeof gid) == 0 && m.setgroups);
  /* a member that the path names is asked, and only if it is one */
  int own = open ("/proc/self/ns/user", O_RDONLY);
  CHECK (idmap_read (own, "/proc/self/ns/user", &m, NULL) == 0 && m.n_uid >= 1 && m.uid[0].inside == 0);
  CHECK (idmap_read (fd, "/proc/self/ns/user", &m, NULL) == 0 && m.n_uid == 2 && m.uid[1].outside == 3000);
  CHECK (idmap_read (open ("/dev/null", O_RDONLY), "none", &m, &err) == -EINVAL && strcmp (err.call, "setns") == 0 && strcmp (err.object, "none") == 0);
  CHECK (waitpid (-1, NULL, __WALL) < 0 && errno == ECHILD);
  return 0;
}

static void
idmap_read_of_a_namespace (void **state)
{
  (void) state;
  assert_child (reads);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (idmap_check_good),
    cmocka_unit_test (idmap_check_empty),
    cmocka_unit_test (idmap_check_beyond_last),
    cmocka_unit_test (idmap_check_overlap),
    cmocka_unit_test (idmap_check_too_many),
    cmocka_unit_test (idmap_translate_cases),
    cmocka_unit_test (idmap_is_own_cases),
    cmocka_unit_test (idmap_write_many),
    cmocka_unit_test (idmap_write_setgroups_denied),
    cmocka_unit_test (idmap_write_error_names_file),
    cmocka_unit_test (idmap_userns_makes),
    cmocka_unit_test (idmap_userns_refused),
    cmocka_unit_test (idmap_parse_cases),
    cmocka_unit_test (idmap_read_of_a_namespace),
    cmocka_unit_test_setup_teardown (idmap_helper_arguments, make_path, remove_path),
    cmocka_unit_test_setup_teardown (idmap_helper_refuses, make_path, remove_path),
    cmocka_unit_test_setup_teardown (idmap_helper_talks_too_much, make_path, remove_path),
    cmocka_unit_test_setup_teardown (idmap_helper_missing, make_path, remove_path),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
