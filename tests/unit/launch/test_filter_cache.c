/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of launch/filter_cache.c: what is written is read again, and nothing else is.  */
#include "room.h"

#include <dirent.h>
#include <linux/seccomp.h>

#include "base/err.h"
#include "base/file.h"
#include "kernel/filter.h"
#include "launch/filter_cache.h"

static const unsigned char key[DIGEST_SIZE] = { 0xab, 0xcd };
static struct sock_filter code[] = { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };

/* Name of a file in the room.  */
static const char *
in_room (void **state, const char *name)
{
  static char path[256];

  (void) snprintf (path, sizeof path, "%s/%s", ((struct room *) *state)->path, name);
  return path;
}

static const char *
entry_path (void **state)
{
  return in_room (state, FILTER_CACHE_DIR "/abcd000000000000000000000000000000000000000000000000000000000000");
}

/* A filter compiled by a library that is a file of the room, put into the cache.  */
static void
put (void **state, const unsigned char *of)
{
  struct filter f = { .code = code, .n = 2 };
  struct err err = { 0 };

  (void) snprintf (f.library, sizeof f.library, "%s", in_room (state, "lib"));
  if (access (f.library, F_OK) < 0)
    assert_int_equal (file_create_at (AT_FDCWD, f.library, "x", 1, 0644, NULL), 0);
  if (filter_cache_put (((struct room *) *state)->path, of, &f, &err) < 0)
    fail_msg ("%s %s(%s)", err.what, err.call, err.object);
}

/* Looks for it; what is found must be it.  */
static int
get (void **state)
{
  struct filter f = { 0 };
  int ret = filter_cache_get (((struct room *) *state)->path, key, &f);

  if (ret < 0)
    {
      assert_null (f.code);
      return ret;
    }
  assert_int_equal (f.n, 2);
  assert_memory_equal (f.code, code, sizeof code);
  assert_string_equal (f.library, in_room (state, "lib"));
  free (f.code);
  return 0;
}

static void
filter_cache_get_what_was_put (void **state)
{
  struct stat st;

  assert_int_equal (get (state), -ENOENT);
  put (state, key);
  assert_int_equal (get (state), 0);
  put (state, key); /* again, over the old one */
  assert_int_equal (get (state), 0);
  assert_int_equal (stat (in_room (state, FILTER_CACHE_DIR), &st), 0);
  assert_int_equal (st.st_mode & 07777, 0700);
  assert_int_equal (stat (entry_path (state), &st), 0);
  assert_int_equal (st.st_mode & 07777, 0600);
}

static void
filter_cache_get_other_library (void **state)
{
  put (state, key);
  assert_int_equal (file_replace_at (AT_FDCWD, in_room (state, "lib"), "y", 1, 0644, NULL), 0);
  assert_int_equal (get (state), -ESTALE);
  put (state, key);
  assert_int_equal (get (state), 0);
  assert_int_equal (unlink (in_room (state, "lib")), 0);
  assert_int_equal (get (state), -ESTALE);
}

/* Every byte counts, and the length.  */
static void
filter_cache_get_damaged (void **state)
{
  struct stat st;
  int fd;

  put (state, key);
  fd = open (entry_path (state), O_RDWR);
  assert_true (fd >= 0);
  assert_int_equal (fstat (fd, &st), 0);
  for (off_t at = 0; at < st.st_size; at++)
    {
      char c, other;

      assert_int_equal (pread (fd, &c, 1, at), 1);
      other = (char) (c ^ 1);
      assert_int_equal (pwrite (fd, &other, 1, at), 1);
      assert_int_equal (get (state), -EBADMSG);
      assert_int_equal (pwrite (fd, &c, 1, at), 1);
    }
  assert_int_equal (get (state), 0);
  assert_int_equal (ftruncate (fd, st.st_size - 1), 0);
  assert_int_equal (get (state), -EBADMSG);
  assert_int_equal (ftruncate (fd, 0), 0);
  assert_int_equal (get (state), -EBADMSG);
  assert_int_equal (ftruncate (fd, 1 << 20), 0);
  assert_int_equal (get (state), -EBADMSG);
  close (fd);
}

static void
filter_cache_get_not_ours_alone (void **state)
{
  char there[256];

  put (state, key);
  assert_int_equal (chmod (entry_path (state), 0640), 0);
  assert_int_equal (get (state), -EPERM);
  assert_int_equal (chmod (entry_path (state), 0600), 0);
  assert_int_equal (chmod (in_room (state, FILTER_CACHE_DIR), 0755), 0);
  assert_int_equal (get (state), -EPERM);
  assert_int_equal (chmod (in_room (state, FILTER_CACHE_DIR), 0700), 0);
  assert_int_equal (get (state), 0);
  if (geteuid () == 0)
    {
      assert_int_equal (chown (entry_path (state), 1000, 0), 0);
      assert_int_equal (get (state), -EPERM);
      assert_int_equal (chown (entry_path (state), 0, 0), 0);
    }
  /* links in the place of either */
  (void) snprintf (there, sizeof there, "%s", in_room (state, "there"));
  assert_int_equal (rename (entry_path (state), there), 0);
  assert_int_equal (symlink (there, entry_path (state)), 0);
  assert_int_equal (get (state), -EPERM);
  assert_int_equal (unlink (entry_path (state)), 0);
  assert_int_equal (rename (there, entry_path (state)), 0);
  assert_int_equal (get (state), 0);
  assert_int_equal (rename (in_room (state, FILTER_CACHE_DIR), there), 0);
  assert_int_equal (symlink ("there", in_room (state, FILTER_CACHE_DIR)), 0);
  assert_int_equal (get (state), -EPERM);
}

static void
filter_cache_put_refused (void **state)
{
  struct filter f = { .code = code, .n = 2, .library = "/nonexistent" };
  struct err err = { 0 };

  assert_int_equal (filter_cache_put (in_room (state, ""), key, &f, &err), -ENOENT);
  assert_string_equal (err.call, "stat");
  (void) snprintf (f.library, sizeof f.library, "/bin/sh");
  assert_int_equal (symlink ("/tmp", in_room (state, FILTER_CACHE_DIR)), 0);
  err_clear (&err);
  assert_int_equal (filter_cache_put (((struct room *) *state)->path, key, &f, &err), -EPERM);
  f.n = FILTER_MAX + 1;
  assert_int_equal (filter_cache_put (((struct room *) *state)->path, key, &f, NULL), -E2BIG);
}

static size_t
count (void **state)
{
  DIR *d = opendir (in_room (state, FILTER_CACHE_DIR));
  size_t n = 0;

  assert_non_null (d);
  for (struct dirent *e; (e = readdir (d)) != NULL;)
    n += e->d_name[0] != '.';
  closedir (d);
  return n;
}

/* The oldest go, left-overs of killed commands among them.  */
static void
filter_cache_put_is_bounded (void **state)
{
  const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
  unsigned char other[DIGEST_SIZE] = { 1 };

  put (state, key);
  assert_int_equal (utimensat (AT_FDCWD, entry_path (state), old, 0), 0);
  for (unsigned i = 0; i < FILTER_CACHE_FILES - 1; i++)
    {
      other[1] = (unsigned char) i;
      put (state, other);
    }
  assert_int_equal (count (state), FILTER_CACHE_FILES);
  assert_int_equal (get (state), 0);
  other[0] = 2;
  put (state, other);
  assert_int_equal (count (state), FILTER_CACHE_FILES);
  assert_int_equal (get (state), -ENOENT);
}

#define IN_ROOM(test) cmocka_unit_test_setup_teardown (test, room_make, room_remove)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    IN_ROOM (filter_cache_get_what_was_put),   IN_ROOM (filter_cache_get_other_library), IN_ROOM (filter_cache_get_damaged),
    IN_ROOM (filter_cache_get_not_ours_alone), IN_ROOM (filter_cache_put_refused),       IN_ROOM (filter_cache_put_is_bounded),
  };

  if (! HAVE_MD)
    {
      print_message ("skipped: built without libmd, and so without a cache\n");
      return 77;
    }
  return cmocka_run_group_tests (tests, NULL, NULL);
}
