/* SPDX-License-Identifier: Apache-2.0 */
/* Handing the listener of a filter to the agent: one connection, one container process state (config-linux.md), the
 * descriptor with its first bytes, end.  */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/own.h"
#include "launch/parent.h"
#include "ocispec/state.h"
#include "plan/plan.h"

/* What the agent is told, as JSON; owned by the caller.  */
static int
process_state (const struct launch *l, char **ret_text, size_t *ret_len, struct err *err)
{
  static const char *fds[] = { "seccompFd" };
  const struct record *r = l->rec;
  bool create = l->plan->action == PLAN_CREATE;
  int32_t first = create ? l->pid : r->pid;
  struct oci_state state = { .oci_version = r->oci_version, .id = r->id, .pid = &first, .bundle = r->bundle,
                             .status = create ? "creating" : record_status (l->dir, r),
                             .annotations = r->annotations, .n_annotations = r->n_annotations };
  const struct oci_process_state process = { .oci_version = r->oci_version, .fds = fds, .n_fds = 1, .pid = l->pid,
                                             .metadata = l->plan->seccomp.listener_metadata, .state = &state };
  int ret = oci_encode (&oci_process_state_type, &process, false, ret_text, ret_len);

  return ret < 0 ? err_bug (err, -ret, "the container process state cannot be written as JSON") : 0;
}

static int
tell_agent (const struct launch *l, int listener, struct err *err)
{
  own_mem char *text = NULL;
  size_t len;
  own_fd int sock = fds_connect (AT_FDCWD, l->plan->seccomp.listener_path, SOCK_STREAM, err);
  int ret = sock < 0 ? sock : process_state (l, &text, &len, err);

  if (ret == 0 && (ret = fds_send (sock, text, len, &listener, 1)) < 0) /* one call, for agents that read once */
    ret = err_sys (err, -ret, "sendmsg", "%s", l->plan->seccomp.listener_path);
  if (sock >= 0)
    (void) close (take_fd (&sock)); /* now: end of file tells the agent that this is all */
  return err_in (err, ret, "linux.seccomp.listenerPath");
}

int
parent_seccomp_agent (void *self, struct err *err)
{
  struct launch *l = self;
  int listener = -1, ret;
  size_t n = 1;

  ret = parent_wait (l, err);
  if (ret == 0)
    ret = parent_explain (l, sync_expect (l->sync, SYNC_NOTIFY, NULL, &listener, &n, err), err);
  if (ret < 0)
    return ret;
  if (n != 1)
    return err_bug (err, EPROTO, "NOTIFY brought no listener");
  ret = tell_agent (l, listener, err);
  (void) close (listener); /* the agent alone has it: when it is gone, the calls that wait for it fail */
  return ret < 0 ? ret : sync_send (l->sync, SYNC_NOTIFY, NULL, 0, NULL, 0, err);
}
