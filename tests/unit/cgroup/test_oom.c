/* SPDX-License-Identifier: Apache-2.0 */
/* What v1 says of memory that has run out, in every order of its wake-ups, its count of kills and the end of the cgroup; the kernel's part is
 * played by an eventfd and a file.  */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "cgroup/oom.h"

struct scene
{
  char path[32];
  int dir;
  struct cgroup_oom o;
};

static void
wake (const struct scene *s, uint64_t count)
{
  assert_int_equal (write (s->o.fd, &count, sizeof count), sizeof count);
}

static void
say (const struct scene *s, int kills)
{
  int fd = openat (s->dir, "memory.oom_control", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  assert_true (dprintf (fd, "oom_kill_disable 0\nunder_oom 0\noom_kill %d\n", kills) > 0);
  close (fd);
}

/* The cgroup's end, which wakes; AFTER so many wake-ups of memory.  */
static void
vanish (const struct scene *s, uint64_t after)
{
  assert_int_equal (unlinkat (s->dir, "memory.oom_control", 0), 0);
  wake (s, after + 1);
}

static int
scene_make (void **state)
{
  struct scene *s = calloc (1, sizeof *s);

  *state = s;
  strcpy (s->path, "/tmp/orlop-unit-XXXXXX");
  if (mkdtemp (s->path) == NULL)
    return -1;
  s->dir = open (s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  s->o = (struct cgroup_oom){ .fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK), .events = POLLIN, .dir = dup (s->dir) };
  say (s, 0);
  return 0;
}

static int
scene_free (void **state)
{
  struct scene *s = *state;

  cgroup_oom_close (&s->o);
  (void) unlinkat (s->dir, "memory.oom_control", 0);
  close (s->dir);
  (void) rmdir (s->path);
  free (s);
  return 0;
}

#define scene_test(function) cmocka_unit_test_setup_teardown (function, scene_make, scene_free)

/* One wake-up, and the kill that it means is told.  */
static void
kill_one (struct scene *s, int kills)
{
  wake (s, 1);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  assert_true (s->o.due > 0);
  say (s, kills);
  assert_int_equal (cgroup_oom_take (&s->o), 1);
}

static void
cgroup_oom_take_looks_by_the_clock (void **state)
{
  struct scene *s = *state;

  wake (s, 1);
  for (int i = 0; i < 100; i++) /* others are served meanwhile */
    assert_int_equal (cgroup_oom_take (&s->o), 0);
  assert_true (s->o.due > 0 && s->o.due <= s->o.until);
  say (s, 1);
  assert_int_equal (cgroup_oom_take (&s->o), 1);
}

static void
cgroup_oom_take_looks_no_more (void **state)
{
  struct scene *s = *state;

  wake (s, 1);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  s->o.until = 1; /* long ago */
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  assert_int_equal (s->o.due, 0);
  vanish (s, 0); /* nobody was killed */
  assert_int_equal (cgroup_oom_take (&s->o), 0);
}

static void
cgroup_oom_take_once_for_a_kill (void **state)
{
  struct scene *s = *state;

  kill_one (s, 1);
  wake (s, 1);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  vanish (s, 1);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  assert_int_equal (s->o.fd, -1);
}

static void
cgroup_oom_take_once_for_a_kill_long_ago (void **state)
{
  struct scene *s = *state;

  kill_one (s, 1);
  wake (s, 1); /* the victim, on its way out */
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  s->o.echo = 1;
  vanish (s, 0);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
}

static void
cgroup_oom_take_another_kill_at_the_end (void **state)
{
  struct scene *s = *state;

  kill_one (s, 1);
  s->o.echo = 1; /* long ago */
  vanish (s, 1);
  assert_int_equal (cgroup_oom_take (&s->o), 1);
}

static void
cgroup_oom_take_another_kill_after_a_look (void **state)
{
  struct scene *s = *state;

  kill_one (s, 1);
  s->o.echo = 1;
  wake (s, 1);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  vanish (s, 0);
  assert_int_equal (cgroup_oom_take (&s->o), 1);
}

static void
cgroup_oom_take_end (void **state)
{
  struct scene *s = *state;

  vanish (s, 0);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
  assert_int_equal (cgroup_oom_take (&s->o), 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    scene_test (cgroup_oom_take_looks_by_the_clock),
    scene_test (cgroup_oom_take_looks_no_more),
    scene_test (cgroup_oom_take_once_for_a_kill),
    scene_test (cgroup_oom_take_once_for_a_kill_long_ago),
    scene_test (cgroup_oom_take_another_kill_at_the_end),
    scene_test (cgroup_oom_take_another_kill_after_a_look),
    scene_test (cgroup_oom_take_end),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
