/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 4 of the child: find the program, report, wait for start, execve.  child-safe */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "launch/child.h"

/* Words that engines look for in messages of their runtimes, to choose the exit status 126 or 127.  */
static const char *
words (int num)
{
  switch (num)
    {
    case ENOENT: return "no such file or directory";
    case EACCES: return "permission denied";
    case ENOEXEC: return "exec format error";
    case ENOTDIR: return "not a directory";
    default: return "cannot be executed";
    }
}

/* 0 if PATH is a file that UID, who we are, may execute, else a negative errno.  */
static int
executable (const char *path, uid_t uid)
{
  struct stat st;

  if (stat (path, &st) < 0)
    return -errno;
  if (! S_ISREG (st.st_mode))
    return -EACCES;
  if (uid == 0) /* may execute whatever anybody may */
    return st.st_mode & 0111 ? 0 : -EACCES;
  return access (path, X_OK) < 0 ? -errno : 0;
}

/* Looks for NAME in the directories of PATH as execvp (3) does.  -EACCES wins over -ENOENT.  */
static int
search (const char *name, const struct plan_process *p, char *buf, size_t size)
{
  int found = -ENOENT;

  for (const char *dir = p->path_env, *next; dir; dir = next)
    {
      size_t len = strcspn (dir, ":"); /* 0: the working directory, at the beginning too */
      int ret, n;

      next = dir[len] ? dir + len + 1 : NULL;
      n = snprintf (buf, size, "%.*s%s%s", (int) len, dir, len ? "/" : "./", name);
      if (n < 0 || (size_t) n >= size)
        continue;
      ret = executable (buf, p->uid);
      if (ret == 0)
        return 0;
      if (ret == -EACCES)
        found = ret;
    }
  return found;
}

int
child_exec_resolve (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_process *p = &c->plan->process;
  const char *name = p->argv[0];
  int ret;

  if (strchr (name, '/') == NULL)
    {
      ret = name[0] ? search (name, p, c->exec_path, sizeof c->exec_path) : -ENOENT;
      if (ret == -ENOENT)
        err_doing (err, err_sys (err, ENOENT, "stat", "%s", name), "exec: \"%s\": executable file not found in $PATH", name);
    }
  else
    {
      ret = str_copy (c->exec_path, sizeof c->exec_path, name);
      if (ret == 0)
        ret = executable (name, p->uid);
      if (ret == -ENOENT)
        err_doing (err, err_sys (err, ENOENT, "stat", "%s", name), "exec: \"%s\": %s", name, words (ENOENT));
    }
  if (ret < 0 && ret != -ENOENT)
    err_doing (err, err_sys (err, -ret, "access", "%s", name), "exec: \"%s\": %s", name, words (-ret));
  return err_in (err, ret, "process.args[0]");
}

int
child_exec_ready (void *self, struct err *err)
{
  struct child *c = self;
  const struct sync_ready ready = { .without_keyring = c->without_keyring };
  int ret = sync_send (c->sync, SYNC_READY, &ready, sizeof ready, NULL, 0, err);

  if (ret == 0)
    ret = sync_expect (c->sync, SYNC_READY, NULL, NULL, NULL, err);
  c->start = c->sync; /* for `run` and `exec` who let us go on is who waits for the outcome */
  return ret;
}

int
child_exec_wait_start (void *self, struct err *err)
{
  struct child *c = self;

  for (;;)
    {
      int ret;

      c->start = accept4 (c->listen, NULL, NULL, SOCK_CLOEXEC);
      if (c->start < 0 && (errno == EINTR || errno == ECONNABORTED))
        continue;
      if (c->start < 0)
        return err_sys (err, errno, "accept4", "start.sock");
      ret = sync_send (c->start, SYNC_START, NULL, 0, NULL, 0, err);
      if (ret != -EPIPE && ret != -ECONNRESET)
        return ret;
      err_clear (err); /* who came was killed: the next one may start us */
      own_close (&c->start);
    }
}

int
child_exec_go (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_process *p = &c->plan->process;
  char why[384] = "";
  int num;

  /* all descriptors of ours are close-on-exec: their closing tells `start` that it worked */
  execve (c->exec_path, (char *const *) p->argv, (char *const *) (c->envp ? c->envp : p->envp));
  num = errno;
  if (! c->plan->seccomp.strict)
    child_why (c->exec_path, num, why, sizeof why);
  return err_doing (err, err_sys (err, num, "execve", "%s", c->exec_path), "exec: \"%s\": %s%s%s", p->argv[0], words (num), *why ? ": " : "", why);
}
