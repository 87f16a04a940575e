/* SPDX-License-Identifier: Apache-2.0 */
/* A container that is a record alone, for tests of what is done from records. */
#ifndef TESTS_LAUNCH_CONTAINER_H
#define TESTS_LAUNCH_CONTAINER_H

#include "room.h"

#include "kernel/pid.h"
#include "launch/record.h"

/* The state directory that make_container chose.  */
static char root[256];

/* A container of PID with STATUS, nothing locked; 0: no process.  */
static inline struct record
make_container (void **state, const char *status, pid_t pid)
{
  struct record rec = { .oci_version = "1.3.0", .id = "c1", .status = status, .bundle = "/", .pid = pid, .own_pid_ns = true };
  struct record_dir dir = RECORD_DIR_NONE;

  (void) snprintf (root, sizeof root, "%s", room_path (state, "root"));
  if (pid > 0)
    assert_int_equal (pid_starttime (pid, &rec.start_time, NULL, NULL), 0);
  assert_int_equal (record_reserve (root, "c1", &dir, NULL), 0);
  assert_int_equal (record_save (&dir, &rec, true, NULL), 0);
  record_close (&dir);
  return rec;
}

/* Writes REC in place of the container's record.  */
static inline void
save (const struct record *rec)
{
  struct record_dir dir = RECORD_DIR_NONE;

  assert_int_equal (record_open (root, "c1", true, &dir, NULL), 0);
  assert_int_equal (record_save (&dir, rec, false, NULL), 0);
  record_close (&dir);
}

/* Kills PID, a child, and waits for it.  */
static inline void
end (pid_t pid)
{
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

#endif
