/* SPDX-License-Identifier: Apache-2.0 */
/* Tests on real cgroups: the program runs itself in each view of cgroups that the machine can show
 * (tests/lib/view.sh).  Everything is made below /orlop-unit-PID and removed again. */
#ifndef TESTS_CGROUP_VIEW_H
#define TESTS_CGROUP_VIEW_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "cgroup/limits.h"
#include "ocispec/table.h"

/* A container's cgroup under test.  */
struct box
{
  struct oci_arena *arena;
  struct cgroup *cg;
  char path[128]; /* linux.cgroupsPath */
  int fd;         /* from cgroup_make */
};

static struct cgroup_layout view_layout;

/* Plans the cgroup /orlop-unit-PID/NAME, NAME being "" or "/a" or so.  */
static inline void
box_plan (struct box *b, const char *name)
{
  const struct cgroup_args args = { .path = b->path, .id = "x" };

  *b = (struct box){ .fd = -1 };
  snprintf (b->path, sizeof b->path, "/orlop-unit-%d%s", (int) getpid (), name);
  assert_int_equal (
      cgroup_layout_read (&view_layout, CGROUP_WANT_OWN | CGROUP_WANT_CONTROLLERS | CGROUP_WANT_UNIFIED, NULL), 0);
  assert_int_equal (cgroup_plan (&view_layout, &args, &b->arena, &b->cg, NULL), 0);
}

/* Fails with what ERR says unless R is good.  */
static inline int
good (int r, const struct err *err)
{
  char text[4096];
  if (r < 0)
    fail_msg ("%d: %s", r, err_text (err, NULL, text, sizeof text));
  return r;
}

static inline void
box_make (struct box *b)
{
  struct err err = { 0 };
  good (cgroup_survey (b->cg, &err), &err);
  good (cgroup_make (b->cg, &b->fd, &err), &err);
}

/* Removes the cgroup and forgets it.  */
static inline void
box_end (struct box *b)
{
  struct err err = { 0 };
  good (cgroup_remove (b->cg, &err), &err);
  if (b->fd >= 0)
    close (b->fd);
  oci_arena_free (b->arena);
}

/* The path of FILE in the I-th cgroup of B, or SUFFIX of the cgroup itself with FILE beginning with '/'.  */
static inline const char *
box_file (const struct box *b, size_t i, const char *file)
{
  static char path[PATH_MAX];
  const struct cgroup_dir *d = &b->cg->dirs[i];
  snprintf (path, sizeof path, CGROUP_ROOT "/%s%s%s%s", d->mount, d->path, *file ? "/" : "", file);
  return path;
}

static inline bool
there (const char *path)
{
  return access (path, F_OK) == 0;
}

/* How many of B's cgroups exist, with SUFFIX ("", "/..", "/a") behind their paths.  */
static inline size_t
box_count (const struct box *b, const char *suffix)
{
  size_t n = 0;
  for (size_t i = 0; i < b->cg->n_dirs; i++)
    {
      char path[PATH_MAX + 16];
      snprintf (path, sizeof path, "%s%s", box_file (b, i, ""), suffix);
      n += there (path);
    }
  return n;
}

/* Reads the first line of FILE of the cgroup that has CONTROLLER, without line feed.  */
static inline const char *
box_read (const struct box *b, const char *controller, const char *file)
{
  static char text[512];
  const struct cgroup_hierarchy *h = cgroup_layout_find (&view_layout, controller);
  size_t i = (h ? h : cgroup_layout_find (&view_layout, "")) - view_layout.hierarchies;
  FILE *f = fopen (box_file (b, i, file), "re");

  *text = '\0';
  if (f == NULL)
    return "(missing)";
  if (fgets (text, sizeof text, f) == NULL)
    *text = '\0';
  fclose (f);
  text[strcspn (text, "\n")] = '\0';
  return text;
}

/* Forks a child that dies with us.  */
static inline pid_t
child (void)
{
  pid_t parent = getpid (), pid = fork ();

  assert_true (pid >= 0);
  if (pid == 0 && (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != parent))
    _exit (1);
  return pid;
}

/* Starts a process that sleeps until it is killed.  */
static inline pid_t
sleeper (void)
{
  pid_t pid = child ();

  while (pid == 0)
    pause ();
  return pid;
}

/* Kills and reaps.  */
static inline void
end_process (pid_t pid)
{
  kill (pid, SIGKILL);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
}

/* Leaves nothing behind, also after a test that failed in the middle.  */
static inline void
clean_up (void)
{
  struct box b;

  box_plan (&b, "");
  (void) cgroup_kill (b.cg, NULL);
  (void) cgroup_remove (b.cg, NULL);
  oci_arena_free (b.arena);
}

/* Runs RUN in every view.  Returns the exit status of the program.  */
static inline int
in_views (int argc, char **argv, int (*run) (void))
{
  static const char *const views[] = { "hybrid", "v1", "v2" };
  char self[PATH_MAX] = "";
  int failed = 0;

  if (argc > 1)
    {
      failed = run ();
      clean_up ();
      return failed;
    }
  if (geteuid () != 0)
    {
      printf ("1..1\nok 1 - %s # SKIP only root can make cgroups\n", argv[0]);
      return 0;
    }
  if (readlink ("/proc/self/exe", self, sizeof self - 1) < 0)
    return 1;
  for (size_t i = 0; i < sizeof views / sizeof *views; i++)
    {
      pid_t pid;
      int status;

      printf ("--- %s\n", views[i]);
      fflush (stdout);
      pid = fork ();
      if (pid == 0)
        {
          execl (TOP "/tests/lib/view.sh", "view.sh", views[i], self, views[i], (char *) NULL);
          _exit (126);
        }
      if (pid < 0 || waitpid (pid, &status, 0) < 0)
        return 1;
      if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
        {
          printf ("1..1\nok 1 - %s in the view %s # SKIP this machine cannot show it\n", argv[0], views[i]);
          continue;
        }
      failed += ! WIFEXITED (status) || WEXITSTATUS (status) != 0;
    }
  return failed ? 1 : 0;
}

#endif
