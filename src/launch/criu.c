/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to CRIU; see criu.h.  The numbers of fields are those of images/rpc.proto in CRIU's sources. */
#include "launch/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "kernel/mount.h"
#include "kernel/ns.h"
#include "kernel/pid.h"
#include "kernel/sys.h"

/* Engines call with an empty environment; and CRIU looks for tar, ip and iptables itself.  */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* criu_req_type: what is asked and what is answered.  */
enum
{
  NOTIFY = 6,
  FEATURE_CHECK = 9
};

enum
{
  MESSAGE_MAX = 64 * 1024, /* of what CRIU says */
  LOG_TAIL = 256 * 1024,
  QUOTED = 3,              /* lines of the log in an error */
  LOG_LEVEL = 4
};

static const struct
{
  unsigned field;
  size_t at;
} flags[] = {
#define AT(m) offsetof (struct criu_args, m)
  { 3, AT (leave_running) },       { 4, AT (ext_unix_sk) }, { 5, AT (tcp_established) },     { 7, AT (shell_job) },
  { 8, AT (file_locks) },          { 16, AT (auto_dedup) }, { 18, AT (link_remap) },         { 46, AT (tcp_skip_in_flight) },
  { 48, AT (lazy_pages) },         { 52, AT (tcp_close) },
};

static const struct
{
  unsigned field;
  size_t at;
} texts[] = {
  { 14, AT (parent_path) }, { 53, AT (lsm_profile) }, { 63, AT (lsm_mount_context) },
#undef AT
};

static void
put_page_server (struct wire *opts, const struct criu_args *args)
{
  struct wire server = { 0 };

  wire_bytes (&server, 1, args->page_address, args->page_address_len);
  wire_number (&server, 2, args->page_port);
  wire_message (opts, 11, &server);
  wire_free (&server);
}

void
criu_options (struct wire *opts, const struct criu_args *args, int images, int work, const char *log)
{
  wire_number (opts, 1, (uint64_t) images);
  if (work >= 0)
    wire_number (opts, 17, (uint64_t) work);
  wire_number (opts, 9, LOG_LEVEL);
  wire_text (opts, 10, log);
  wire_number (opts, 12, true); /* notify_scripts: the moments are told */
  wire_number (opts, 50, true); /* orphan_pts_master: a terminal whose master is outside */
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (*(const bool *) ((const char *) args + flags[i].at))
      wire_number (opts, flags[i].field, true);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      const char *text = *(const char *const *) ((const char *) args + texts[i].at);

      if (text)
        wire_text (opts, texts[i].field, text);
    }
  if (args->parent_path)
    wire_number (opts, 15, true); /* track_mem */
  if (args->empty_ns)
    wire_number (opts, 38, args->empty_ns);
  if (args->network_lock)
    wire_number (opts, 64, args->network_lock);
  if (args->page_address)
    put_page_server (opts, args);
}

/* Finds the program NAME as execvp (3) would.  */
static int
find_program (const char *name, const char *dirs, char *buf, size_t size, struct err *err)
{
  if (strchr (name, '/'))
    dirs = "";
  for (const char *dir = dirs;; dir += strcspn (dir, ":") + 1)
    {
      int len = (int) strcspn (dir, ":");
      struct stat st;

      if (snprintf (buf, size, "%.*s%s%s", len, dir, len > 0 ? "/" : "", name) < (int) size && stat (buf, &st) == 0
          && S_ISREG (st.st_mode) && access (buf, X_OK) == 0)
        return 0;
      if (dir[len] == '\0')
        break;
    }
  if (strchr (name, '/'))
    return err_host (err, ENOENT, "%s, which is to be CRIU, is no program that can be executed", name);
  return err_host (err, ENOENT, "CRIU is not installed: there is no program \"%s\" in PATH=%s; install the package criu", name, dirs);
}

/* The environment with a PATH.  Returns an allocation of pointers alone.  */
static char **
environment (const char *path_variable)
{
  extern char **environ;
  size_t n = 0;
  char **env;

  while (environ[n])
    n++;
  env = calloc (n + 2, sizeof *env);
  if (env == NULL)
    return NULL;
  memcpy (env, environ, n * sizeof *env);
  if (getenv ("PATH") == NULL)
    env[n] = (char *) path_variable;
  return env;
}

/* A directory becomes a mount point, as CRIU demands of the root, in a mount namespace of our own: nothing of it is left on the host.  */
static int
make_root (const char *root, struct err *err)
{
  int ret = ns_unshare (CLONE_NEWNS, err);

  if (ret == 0)
    ret = mount_propagate_root (MS_SLAVE, true, err);
  if (ret < 0)
    return ret;
  own_fd int tree = mount_clone (AT_FDCWD, root, true, err);
  if (tree < 0)
    return tree;
  own_fd int place = open (root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return place < 0 ? err_sys (err, errno, "open", "%s", root) : mount_attach (tree, place, err);
}

/* CRIU writes the names of the new uts namespace into /proc/sys.  Where that is read-only, as in a container, a procfs of our own is not.  */
static int
make_proc (struct err *err)
{
  if (access ("/proc/sys/kernel/hostname", W_OK) == 0 || errno != EROFS)
    return 0;
  own_fd int proc = mount_make ("proc", "proc", NULL, 0, 0, err);
  if (proc < 0)
    return proc;
  own_fd int place = open ("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return place < 0 ? err_sys (err, errno, "open", "/proc") : mount_attach (proc, place, err);
}

static int
enter_place (const struct criu_place *p, struct err *err)
{
  int ret = cgroup_join (p->join_fds, p->n_join_fds, err);

  if (ret == 0 && p->new_cgroup_ns)
    ret = ns_unshare (CLONE_NEWCGROUP, err);
  if (ret == 0 && p->root)
    ret = make_root (p->root, err);
  return ret == 0 && p->root ? make_proc (err) : ret;
}

static int
keep (int fd, struct err *err)
{
  return fcntl (fd, F_SETFD, 0) < 0 ? err_sys (err, errno, "fcntl", "descriptor %d", fd) : 0;
}

/* What was opened in another mount namespace cannot be mounted in: the directories become those of ours.  */
static int
keep_dirs (const struct criu_place *place, struct err *err)
{
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < sizeof place->dirs / sizeof *place->dirs; i++)
    {
      int fd = place->dirs[i].path && place->root ? open (place->dirs[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

      if (place->dirs[i].path && place->root && (fd < 0 || dup3 (fd, place->dirs[i].fd, O_CLOEXEC) < 0))
        return err_sys (err, errno, "open", "%s", place->dirs[i].path);
      if (place->dirs[i].path)
        ret = keep (place->dirs[i].fd, err);
    }
  return ret;
}

/* The socket is made by CRIU itself: it opens what is given to it by number in the process that made it (SO_PEERCRED).  */
static int
make_socket (int report, struct err *err)
{
  int pair[2], ret;

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
    return err_sys (err, errno, "socketpair", "criu");
  ret = fds_send (report, "", 1, &pair[0], 1);
  (void) close (pair[0]);
  if (ret < 0)
    return err_sys (err, -ret, "sendmsg", "socket of criu");
  ret = keep (pair[1], err);
  return ret < 0 ? ret : pair[1];
}

/* In the child.  Never returns; its end of the socket goes over REPORT, and what fails before CRIU runs.  */
static void __attribute__ ((noreturn))
become_criu (const char *path, char *const *env, const struct criu_place *place, int report)
{
  struct err err = { 0 };
  char number[16];
  char *argv[] = { (char *) "criu", (char *) "swrk", number, NULL };
  sigset_t none;
  int ret;

  if (place->ends_with_us)
    (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* if we have ended already, sending the socket fails */
  ret = enter_place (place, &err);
  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  (void) fds_cloexec_from (3); /* what our caller left open is not for the restored */
  for (size_t i = 0; ret == 0 && i < place->n_fds; i++)
    ret = keep (place->fds[i], &err);
  if (ret == 0)
    ret = keep_dirs (place, &err);
  if (ret == 0)
    ret = make_socket (report, &err);
  if (ret >= 0)
    {
      (void) snprintf (number, sizeof number, "%d", ret);
      execve (path, argv, env);
      (void) err_sys (&err, errno, "execve", "%s", path);
    }
  (void) fds_send (report, &err, sizeof err, NULL, 0);
  _exit (127);
}

/* Waits until the child has become CRIU, taking its socket, or says why not.  */
static int
take_report (int report, int *ret_sock, struct err *err)
{
  struct err theirs = { 0 };
  size_t n = 1;
  ssize_t len = fds_recv (report, &theirs, sizeof theirs, ret_sock, &n);

  if (len == 1 && n == 1)
    len = fds_recv (report, &theirs, sizeof theirs, NULL, NULL); /* end of file: execve closed it */
  if (len == 0 && *ret_sock >= 0)
    return 0;
  if (len != sizeof theirs)
    return err_sys (err, len < 0 ? (int) -len : EPROTO, "recvmsg", "report of criu");
  if (err)
    *err = theirs;
  return theirs.num ? -theirs.num : -EIO;
}

int
criu_start (struct criu *c, const char *program, const struct criu_place *place, struct err *err)
{
  const char *dirs = getenv ("PATH") ? getenv ("PATH") : DEFAULT_PATH;
  struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t) &c->pidfd, .exit_signal = SIGCHLD };
  own_mem char **env = environment ("PATH=" DEFAULT_PATH);
  int report[2], ret;
  char path[PATH_MAX];

  if (env == NULL)
    return err_sys (err, ENOMEM, "calloc", "environment of criu");
  ret = find_program (program, dirs, path, sizeof path, err);
  if (ret < 0)
    return ret;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0)
    return err_sys (err, errno, "socketpair", "criu");
  ret = sys_clone3 (&args);
  if (ret == 0)
    {
      (void) close (report[0]);
      become_criu (path, env, place, report[1]);
    }
  (void) close (report[1]); /* so that its end is end of file */
  if (ret < 0)
    ret = err_sys (err, -ret, "clone3", "criu");
  else
    {
      c->pid = ret;
      ret = take_report (report[0], &c->sock, err);
    }
  (void) close (report[0]);
  return ret;
}

void
criu_end (struct criu *c, bool kill)
{
  siginfo_t info;

  own_close (&c->sock);
  if (c->pid > 0 && kill)
    (void) pid_signal (c->pidfd, SIGKILL, NULL);
  if (c->pid > 0)
    (void) sys_waitid_pidfd (c->pidfd, &info, WEXITED);
  own_close (&c->pidfd);
  *c = (struct criu) CRIU_NONE;
}

static int
send_request (const struct criu *c, const struct wire *request, struct err *err)
{
  int ret = request->short_of_memory ? -ENOMEM : fds_send (c->sock, request->data, request->len, NULL, 0);

  if (ret == -EPIPE)
    return 0; /* it has ended: what it said last, or that it said nothing, is heard next */
  return ret < 0 ? err_sys (err, -ret, "sendmsg", "request to criu") : 0;
}

/* What CRIU said.  */
struct answer
{
  unsigned type;
  bool success;
  char name[64];  /* notify.script */
  pid_t pid;      /* notify.pid, restore.pid */
  int num;        /* cr_errno */
  bool track, lazy;
  char message[256];
};

static void
copy_text (char *buf, size_t size, const struct wire_field *f)
{
  (void) snprintf (buf, size, "%.*s", (int) (f->len < size ? f->len : size - 1), f->data ? f->data : "");
}

/* Takes notify, restore and features: PART says which field of the answer it is.  */
static int
take_part (struct answer *a, const struct wire_field *part)
{
  const char *data = part->data;
  size_t len = part->len;
  struct wire_field f;
  int ret;

  while ((ret = wire_next (&data, &len, &f)) > 0)
    if (part->field == 4 && f.field == 1)
      a->pid = (pid_t) f.number;
    else if (part->field == 5 && f.field == 1)
      copy_text (a->name, sizeof a->name, &f);
    else if (part->field == 5 && f.field == 2)
      a->pid = (pid_t) f.number;
    else if (part->field == 8 && f.field == 1)
      a->track = f.number != 0;
    else if (part->field == 8 && f.field == 2)
      a->lazy = f.number != 0;
  return ret;
}

static int
take_answer (struct answer *a, const char *data, size_t len)
{
  struct wire_field f;
  int ret;

  *a = (struct answer){ 0 };
  while ((ret = wire_next (&data, &len, &f)) > 0)
    {
      if (f.field == 1)
        a->type = (unsigned) f.number;
      else if (f.field == 2)
        a->success = f.number != 0;
      else if (f.field == 7)
        a->num = (int) f.number;
      else if (f.field == 9)
        copy_text (a->message, sizeof a->message, &f);
      else if ((f.field == 4 || f.field == 5 || f.field == 8) && f.data && take_part (a, &f) < 0)
        return -EPROTO;
    }
  return ret;
}

/* Waits for what CRIU says next, with a descriptor if there is one.  */
static int
receive (const struct criu *c, struct answer *a, int *ret_fd, struct err *err)
{
  own_mem char *buf = malloc (MESSAGE_MAX);
  size_t n = 1;
  ssize_t len;

  if (buf == NULL)
    return err_sys (err, ENOMEM, "malloc", "answer of criu");
  *ret_fd = -1;
  len = fds_recv (c->sock, buf, MESSAGE_MAX, ret_fd, &n);
  if (len == -ECONNRESET) /* it ended without taking what we sent: told once, before what it sent itself */
    len = fds_recv (c->sock, buf, MESSAGE_MAX, ret_fd, &n);
  if (len < 0 && len != -ECONNRESET)
    return err_sys (err, (int) -len, "recvmsg", "criu");
  if (len <= 0)
    return err_host (err, ECONNRESET, "criu ended before it had answered");
  if (take_answer (a, buf, (size_t) len) == 0)
    return 0;
  if (*ret_fd >= 0)
    (void) close (*ret_fd);
  return err_bug (err, EPROTO, "criu's answer is not as expected");
}

/* Tells CRIU that it may go on, or not.  */
static int
acknowledge (const struct criu *c, bool success, struct err *err)
{
  struct wire w = { 0 };
  int ret;

  wire_number (&w, 1, NOTIFY);
  wire_number (&w, 3, success);
  ret = send_request (c, &w, err);
  wire_free (&w);
  return ret;
}

static int
hear (const struct criu *c, const struct answer *a, int fd, criu_told *told, void *data, struct err *err)
{
  int ret = told ? told (data, a->name, a->pid, fd, err) : 0;

  if (fd >= 0)
    (void) close (fd);
  if (ret < 0)
    {
      (void) acknowledge (c, false, NULL); /* it undoes what it did */
      return ret;
    }
  return acknowledge (c, true, err);
}

static int
send_deed (const struct criu *c, unsigned deed, const struct wire *opts, struct err *err)
{
  struct wire request = { 0 };
  int ret;

  wire_number (&request, 1, deed);
  wire_message (&request, 2, opts);
  ret = send_request (c, &request, err);
  wire_free (&request);
  return ret;
}

int
criu_ask (struct criu *c, unsigned deed, const struct wire *opts, criu_told *told, void *data, pid_t *ret_pid, struct err *err)
{
  int ret = send_deed (c, deed, opts, err), fd;
  struct answer a;

  while (ret == 0)
    {
      ret = receive (c, &a, &fd, err);
      if (ret < 0)
        return ret;
      if (! a.success)
        {
          if (fd >= 0)
            (void) close (fd);
          return err_host (err, a.num > 0 ? a.num : EIO, "criu failed%s%s", a.message[0] ? ": " : "", a.message);
        }
      if (a.type == NOTIFY)
        ret = hear (c, &a, fd, told, data, err);
      else
        break;
    }
  if (ret == 0 && a.type != deed)
    return err_bug (err, EPROTO, "criu answered %u to %u", a.type, deed);
  if (ret == 0 && ret_pid)
    *ret_pid = a.pid;
  return ret;
}

int
criu_features (struct criu *c, bool *ret_track, bool *ret_lazy, struct err *err)
{
  struct wire request = { 0 }, wanted = { 0 };
  struct answer a;
  int ret, fd;

  wire_number (&request, 1, FEATURE_CHECK);
  wire_number (&request, 4, true); /* keep_open: the deed follows */
  wire_number (&wanted, 1, true);
  wire_number (&wanted, 2, true);
  wire_message (&request, 5, &wanted);
  ret = send_request (c, &request, err);
  wire_free (&wanted);
  wire_free (&request);
  if (ret == 0)
    ret = receive (c, &a, &fd, err);
  if (ret < 0)
    return ret;
  *ret_track = a.track;
  *ret_lazy = a.lazy;
  return 0;
}

/* What CRIU calls an error and goes on after, or has failed before.  */
static bool
says_nothing (const char *line)
{
  static const char *const texts[] = { "rlimit: Can't setup RLIMIT_NOFILE", "umping FAILED.", "Restoring FAILED.",
                                       "Killing processes because of failure on restore" };

  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      const char *found = strstr (line, texts[i]);

      if (found && found < line + strcspn (line, "\n"))
        return true;
    }
  return false;
}

/* The next error in TEXT, or what CRIU does not call one though it ends it; or NULL.  */
static const char *
next_error (const char *text)
{
  static const char *const causes[] = { "Error (", "Can't connect to server" };
  const char *first = NULL;

  for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
    {
      const char *found = strstr (text, causes[i]);

      if (found && (first == NULL || found < first))
        first = found;
    }
  return first;
}

/* Ends of the last errors in TEXT, the oldest first: at most QUOTED.  Lines look like "(00.001234)  42: Error (criu/mount.c:1): mnt: no".  */
static size_t
find_errors (const char *text, const char *lines[QUOTED])
{
  size_t n = 0;

  for (const char *p = text; (p = next_error (p)) != NULL; p += strcspn (p, "\n"))
    {
      if (says_nothing (p))
        continue;
      if (n == QUOTED)
        memmove (lines, lines + 1, --n * sizeof *lines);
      lines[n++] = p;
    }
  return n;
}

int
criu_explain (int ret, const char *doing, int work, const char *path, const char *log, struct err *err)
{
  own_mem char *text = malloc (LOG_TAIL + 1);
  const char *lines[QUOTED];
  char quoted[1024] = "";
  struct stat st;
  size_t n = 0;
  ssize_t len = -1;
  own_fd int fd = openat (work, log, O_RDONLY | O_CLOEXEC);

  if (fd >= 0 && text && fstat (fd, &st) == 0)
    len = pread (fd, text, LOG_TAIL, st.st_size > LOG_TAIL ? st.st_size - LOG_TAIL : 0);
  if (len < 0)
    return ret; /* it did not come to writing a log */
  text[len] = '\0';
  n = find_errors (text, lines);
  for (size_t i = 0, used = 0; i < n && used < sizeof quoted; i++)
    used += (size_t) snprintf (quoted + used, sizeof quoted - used, "%s%.*s", i > 0 ? "; " : ": ", (int) strcspn (lines[i], "\n"), lines[i]);
  err_clear (err);
  return err_host (err, ret == -ECONNRESET ? EIO : -ret, "criu could not %s%s (see %s/%s)", doing, quoted, path, log);
}
