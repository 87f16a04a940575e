/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to CRIU: the program is started as `criu swrk FD` and asked over that socket, in the messages of its rpc.proto.  No library is
 * needed, and nothing at all is loaded before somebody asks for a checkpoint.  Knows no plan and no record. */
#ifndef ORLOP_LAUNCH_CRIU_H
#define ORLOP_LAUNCH_CRIU_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/wire.h"

struct err;

/* Numbers of rpc.proto that more than one of us speaks of.  */
enum
{
  CRIU_DUMP = 1,
  CRIU_RESTORE = 2,
  CRIU_PRE_DUMP = 4,
  CRIU_CGROUPS_IGNORE = 0,
  CRIU_CGROUPS_SOFT = 3,
  CRIU_CGROUPS_FULL = 4,
  CRIU_CGROUPS_STRICT = 5
};

/* What the caller of checkpoint or restore asks of CRIU.  */
struct criu_args
{
  const char *program;       /* path, or a name that is looked up in PATH */
  const char *image_path;    /* directory of the images */
  const char *work_path;     /* directory of logs and the like; NULL: the same */
  const char *parent_path;   /* images of an earlier pre-dump, relative to image_path; or NULL */
  bool leave_running, tcp_established, tcp_skip_in_flight, tcp_close, link_remap, ext_unix_sk, shell_job, file_locks, pre_dump,
      auto_dedup, lazy_pages;
  int status_fd;             /* told when lazy pages are served, or -1 */
  const char *page_address;  /* page server (page_address_len bytes), or NULL */
  size_t page_address_len;
  unsigned page_port;
  unsigned empty_ns;         /* CLONE_NEW* */
  int cgroup_mode;           /* CRIU_CGROUPS_*, or -1: what fits */
  unsigned network_lock;     /* criu_network_lock_method, or 0 */
  const char *lsm_profile, *lsm_mount_context; /* or NULL */
};

enum
{
  CRIU_FDS_MAX = 8
};

/* Where CRIU runs.  */
struct criu_place
{
  const int *join_fds;  /* files into which it writes "0" to join the container's cgroup */
  size_t n_join_fds;
  bool new_cgroup_ns;   /* in a cgroup namespace of its own, made then */
  bool ends_with_us;    /* it is killed when we are */
  const char *root;     /* made a mount point first, in a mount namespace of its own; or NULL */
  int fds[CRIU_FDS_MAX]; /* that it keeps, with their numbers, besides 0, 1 and 2 */
  size_t n_fds;
  struct
  {
    int fd;
    const char *path;
  } dirs[2];            /* directories that it keeps likewise, -1: none; with `root` opened anew, since CRIU mounts in them */
};

/* A CRIU that runs.  */
struct criu
{
  pid_t pid;
  int pidfd, sock;
};

#define CRIU_NONE { .pidfd = -1, .sock = -1 }

/* What CRIU tells on its way: NAME of the moment, PID of the restored first process or 0, FD a descriptor that came with it or -1, which stays the
 * caller's.  A negative errno ends the whole.  */
typedef int criu_told (void *data, const char *name, pid_t pid, int fd, struct err *err);

/* Starts PROGRAM at PLACE.  The caller ends C (CRIU_NONE before) in any case.  Returns 0 or negative errno; -ENOENT: it is not installed.  */
int criu_start (struct criu *c, const char *program, const struct criu_place *place, struct err *err);

/* Asks for DEED (CRIU_DUMP ...) with the options in OPTS and waits until it is done; *RET_PID, unless NULL, is the restored process.  Returns 0 or negative
 * errno; what CRIU's log says is not in ERR yet, see criu_explain.  */
int criu_ask (struct criu *c, unsigned deed, const struct wire *opts, criu_told *told, void *data, pid_t *ret_pid, struct err *err);

/* Asks whether CRIU and the kernel can track the changes of memory (pre-dump) and serve it lazily.  */
int criu_features (struct criu *c, bool *ret_track, bool *ret_lazy, struct err *err);

/* Ends C: with KILL at once, else when it has ended itself.  Waits for it.  Safe on CRIU_NONE.  */
void criu_end (struct criu *c, bool kill);

/* Puts those of ARGS into OPTS that are the same for dump and restore; IMAGES and WORK (or -1) are the directories.  */
void criu_options (struct wire *opts, const struct criu_args *args, int images, int work, const char *log);

/* A failure of CRIU: adds to ERR the last errors of its log LOG in the directory WORK, called PATH.  DOING: "dump the container".  Returns RET.  */
int criu_explain (int ret, const char *doing, int work, const char *path, const char *log, struct err *err);

#endif
