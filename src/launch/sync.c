/* SPDX-License-Identifier: Apache-2.0 */
/* The talk between parent and child; see sync.h.  Never parses text: packets are
 * fixed structs whose size is checked.  child-safe */
#include "launch/sync.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/own.h"

static const struct
{
  const char *name;
  uint32_t size; /* exact size of the contents */
} messages[] = {
  [SYNC_NONE] = { "NONE", 0 },
  [SYNC_HELLO] = { "HELLO", sizeof (struct sync_hello) },
  [SYNC_FDS] = { "FDS", 0 },
  [SYNC_MAP_IDS] = { "MAP_IDS", 0 },
  [SYNC_PID] = { "PID", sizeof (struct sync_pid) },
  [SYNC_NET] = { "NET", 0 },
  [SYNC_HOOKS] = { "HOOKS", 0 },
  [SYNC_NOTIFY] = { "NOTIFY", 0 },
  [SYNC_MOUNTED] = { "MOUNTED", sizeof (struct sync_mounted) },
  [SYNC_READY] = { "READY", sizeof (struct sync_ready) },
  [SYNC_START] = { "START", 0 },
  [SYNC_FAIL] = { "FAIL", sizeof (struct err) },
};

enum
{
  N_MESSAGES = sizeof messages / sizeof *messages,
  HEAD_SIZE = offsetof (struct sync_packet, hello)
};

const char *
sync_name (unsigned what)
{
  return what < N_MESSAGES ? messages[what].name : "?";
}

int
sync_send (int sock, enum sync_what what, const void *data, size_t size, const int *fds, size_t n_fds,
           struct err *err)
{
  struct sync_packet p = { .what = what, .size = size };
  int ret;

  if (size > sizeof p - HEAD_SIZE)
    return err_bug (err, EMSGSIZE, "message %s is too large", sync_name (what));
  if (size)
    memcpy ((char *) &p + HEAD_SIZE, data, size);
  ret = fds_send (sock, &p, HEAD_SIZE + size, fds, n_fds);
  if (ret < 0)
    return err_sys (err, -ret, "sendmsg", "%s", sync_name (what));
  return 0;
}

/* Takes over the other side's error, whose texts are cut to be terminated and whose kind is one of ours, whatever came.  */
static int
take_failure (struct sync_packet *p, struct err *err)
{
  struct err *e = &p->err;

  if ((unsigned) e->kind > ERR_BUG || e->kind == ERR_NONE)
    e->kind = ERR_BUG;
  e->step[sizeof e->step - 1] = e->call[sizeof e->call - 1] = '\0';
  e->where[sizeof e->where - 1] = e->object[sizeof e->object - 1] = e->what[sizeof e->what - 1] = '\0';
  if (err)
    *err = *e;
  return e->num > 0 ? -e->num : -EINVAL;
}

/* What a received packet P of N bytes (or the negative errno N) means to one who awaits EXPECTED.  */
static int
judge (struct sync_packet *p, ssize_t n, enum sync_what expected, struct err *err)
{
  if (n == 0 || n == -ECONNRESET || n == -EPIPE)
    {
      err_bug (err, ECONNRESET, "the other side ended before it said %s", sync_name (expected));
      return -ECONNRESET;
    }
  if (n < 0)
    return err_sys (err, (int) -n, "recvmsg", "%s", sync_name (expected));
  if (n < HEAD_SIZE || p->what >= N_MESSAGES || p->size != messages[p->what].size || (size_t) n != HEAD_SIZE + p->size)
    return err_bug (err, EPROTO, "a malformed message came instead of %s", sync_name (expected));
  if (p->what == SYNC_FAIL)
    return take_failure (p, err);
  if (p->what != expected)
    return err_bug (err, EPROTO, "message %s came instead of %s", sync_name (p->what), sync_name (expected));
  return 0;
}

int
sync_expect (int sock, enum sync_what expected, struct sync_packet *packet, int *fds, size_t *n_fds,
             struct err *err)
{
  struct sync_packet own, *p = packet ? packet : &own;
  ssize_t n = fds_recv (sock, p, sizeof *p, fds, n_fds);
  int ret = judge (p, n, expected, err);

  if (ret == 0 || n_fds == NULL)
    return ret;
  for (size_t i = 0; n >= 0 && i < *n_fds; i++) /* nobody looks at what came with another message */
    {
      own_close (&fds[i]);
      fds[i] = -1;
    }
  *n_fds = 0;
  return ret;
}

void
sync_fail (int sock, const struct err *err)
{
  struct sync_packet p = { .what = SYNC_FAIL, .size = sizeof *err };

  if (sync_send (sock, SYNC_FAIL, err, sizeof *err, NULL, 0, NULL) == 0)
    return;
  /* a filter that is loaded by now may let only simpler calls through; if not, the receiver sees end of file instead */
  p.err = *err;
  (void) ! write (sock, &p, HEAD_SIZE + sizeof *err);
}
