/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of bound devices, by files whose mode and owner are known. */
#include "room.h"


#include "base/log.h"
#include "launch/bound.h"
#include "plan/plan.h"

/* A plan with one device, which is a file of the room's, and what was said of it.  */
struct scene
{
  struct idmap uids, gids;
  struct plan_device device;
  struct plan plan;
  struct log log;
  struct stat st;
  char said[1024];
};

static void
note (void *data, enum log_level level, const char *message)
{
  struct scene *s = data;
  size_t used = strlen (s->said);

  assert_int_equal (level, LOG_LEVEL_WARNING);
  (void) snprintf (s->said + used, sizeof s->said - used, "%s\n", message);
}

static void
begin (struct scene *s, void **state)
{
  const char *path = room_path (state, "node");
  int fd = open (path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

  assert_true (fd >= 0 && fchmod (fd, 0640) == 0 && fstat (fd, &s->st) == 0);
  close (fd);
  s->log = (struct log){ .level = LOG_LEVEL_WARNING, .write = note, .data = s };
  s->device = (struct plan_device){ .where = "linux.devices[3]", .device = { .path = path + 1, .mode = S_IFCHR | 0640 } };
  s->plan = (struct plan){ .devices = &s->device, .n_devices = 1, .devices_by_bind = true };
  s->said[0] = '\0';
}

static const char *
warned (struct scene *s)
{
  s->said[0] = '\0';
  bound_warn (&s->plan, &s->log);
  return s->said;
}

static void
bound_warn_only_of_what_differs (void **state)
{
  struct scene s;

  begin (&s, state);
  assert_string_equal (warned (&s), ""); /* nothing was asked */
  s.device.given = PLAN_DEVICE_MODE | PLAN_DEVICE_UID | PLAN_DEVICE_GID;
  s.device.device.uid = s.st.st_uid;
  s.device.device.gid = s.st.st_gid;
  assert_string_equal (warned (&s), "");
  s.device.device.mode = S_IFCHR | 0666;
  assert_non_null (strstr (warned (&s), "linux.devices[3].fileMode: does nothing"));
  assert_non_null (strstr (s.said, "/node, which it sees with 0640\n"));
  assert_null (strstr (s.said, "uid"));
  s.device.device.gid++;
  assert_non_null (strstr (warned (&s), "linux.devices[3].gid: does nothing"));
  s.device.given = 0;
  assert_string_equal (warned (&s), "");
}

static void
bound_warn_by_the_container_s_ids (void **state)
{
  struct scene s;

  begin (&s, state);
  s.device.given = PLAN_DEVICE_UID | PLAN_DEVICE_GID;
  s.device.device.uid = 7;
  s.device.device.gid = 65534;
  s.uids = (struct idmap){ .inside = 5, .outside = s.st.st_uid, .size = 10 };
  s.gids = (struct idmap){ .inside = 0, .outside = s.st.st_gid + 1, .size = 10 }; /* not the file's */
  s.plan.ns = (struct plan_ns){ .new_user = true, .uid_maps = &s.uids, .n_uid_maps = 1, .gid_maps = &s.gids, .n_gid_maps = 1 };
  assert_non_null (strstr (warned (&s), "linux.devices[3].uid: does nothing"));
  assert_non_null (strstr (s.said, "sees with 5\n"));
  assert_null (strstr (s.said, "gid"));
  s.device.device.uid = 5;
  assert_string_equal (warned (&s), "");
  s.plan.ns.n_uid_maps = s.plan.ns.n_gid_maps = 0; /* of a namespace whose maps nobody shows */
  s.device.device.uid = 7;
  assert_string_equal (warned (&s), "");
}

static void
bound_warn_of_nothing_else (void **state)
{
  struct scene s;

  begin (&s, state);
  s.device.given = PLAN_DEVICE_MODE;
  s.device.device.mode = S_IFIFO | 0600; /* is made, wherever */
  assert_string_equal (warned (&s), "");
  s.device.device.mode = S_IFCHR | 0600;
  s.plan.devices_by_bind = false;
  assert_string_equal (warned (&s), "");
  s.plan.devices_by_bind = true;
  s.log.level = LOG_LEVEL_ERROR;
  assert_string_equal (warned (&s), "");
  s.log.level = LOG_LEVEL_WARNING;
  assert_string_not_equal (warned (&s), "");
  s.device.device.path = "is/not/here";
  assert_string_equal (warned (&s), "");
  bound_warn (&s.plan, NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (bound_warn_only_of_what_differs, room_make, room_remove),
    cmocka_unit_test_setup_teardown (bound_warn_by_the_container_s_ids, room_make, room_remove),
    cmocka_unit_test_setup_teardown (bound_warn_of_nothing_else, room_make, room_remove),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
