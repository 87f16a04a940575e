/* SPDX-License-Identifier: Apache-2.0 */
/* Signal names and the clean state before execve.  Installs no handler.  child-safe */
#include "kernel/signal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

enum
{
  FIRST_REAL_TIME = 34, /* what glibc calls SIGRTMIN; the kernel's begins at 32, musl's at 35 */
  LAST_SIGNAL = 64
};

/* The first name of a number is the one to show.  */
const struct name signal_names[] = {
  { "SIGHUP", SIGHUP },       { "SIGINT", SIGINT },     { "SIGQUIT", SIGQUIT },     { "SIGILL", SIGILL },
  { "SIGTRAP", SIGTRAP },     { "SIGABRT", SIGABRT },   { "SIGBUS", SIGBUS },       { "SIGFPE", SIGFPE },
  { "SIGKILL", SIGKILL },     { "SIGUSR1", SIGUSR1 },   { "SIGSEGV", SIGSEGV },     { "SIGUSR2", SIGUSR2 },
  { "SIGPIPE", SIGPIPE },     { "SIGALRM", SIGALRM },   { "SIGTERM", SIGTERM },
#ifdef SIGSTKFLT
  { "SIGSTKFLT", SIGSTKFLT },
#endif
  { "SIGCHLD", SIGCHLD },     { "SIGCONT", SIGCONT },   { "SIGSTOP", SIGSTOP },     { "SIGTSTP", SIGTSTP },
  { "SIGTTIN", SIGTTIN },     { "SIGTTOU", SIGTTOU },   { "SIGURG", SIGURG },       { "SIGXCPU", SIGXCPU },
  { "SIGXFSZ", SIGXFSZ },     { "SIGVTALRM", SIGVTALRM }, { "SIGPROF", SIGPROF },   { "SIGWINCH", SIGWINCH },
  { "SIGIO", SIGIO },         { "SIGPWR", SIGPWR },     { "SIGSYS", SIGSYS },       { "SIGIOT", SIGABRT },
  { "SIGCLD", SIGCHLD },      { "SIGPOLL", SIGIO },     { "SIGUNUSED", SIGSYS },    { NULL, 0 },
};

/* TEXT after PREFIX in any case, or NULL.  */
static const char *
after (const char *text, const char *prefix)
{
  size_t i = 0;
  for (; prefix[i]; i++)
    if (strncasecmp (text + i, prefix + i, 1) != 0)
      return NULL;
  return text + i;
}

/* "RTMIN", "RTMIN+3", "RTMAX-1".  */
static int
real_time_number (const char *name)
{
  const char *from_min = after (name, "RTMIN");
  const char *from_max = after (name, "RTMAX");
  const char *rest = from_min ? from_min : from_max;
  uint64_t offset = 0;

  if (! rest)
    return -EINVAL;
  if (*rest != '\0' && (*rest != (from_min ? '+' : '-') || str_u64 (rest + 1, LAST_SIGNAL - FIRST_REAL_TIME, &offset) < 0))
    return -EINVAL;
  return from_min ? FIRST_REAL_TIME + (int) offset : LAST_SIGNAL - (int) offset;
}

int
signal_number (const char *text)
{
  uint64_t number;
  if (str_u64 (text, LAST_SIGNAL, &number) == 0)
    return (int) number;

  const char *name = after (text, "SIG");
  if (! name)
    name = text;
  for (const struct name *s = signal_names; s->name; s++)
    if (strcasecmp (s->name + 3, name) == 0)
      return (int) s->value;
  return real_time_number (name);
}

int
signal_reset (void)
{
  return signal_reset_ignored (UINT64_MAX);
}

int
signal_reset_ignored (uint64_t ignored)
{
  /* The kernel's struct sigaction, all zero: SIG_DFL, no flags, empty mask.  Raw calls, since libc hides the signals that it uses.  */
  static const unsigned char zeroes[64];
  const size_t mask_size = LAST_SIGNAL / 8;

  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (((ignored >> (sig - 1)) & 1) && sig != SIGKILL && sig != SIGSTOP
        && syscall (SYS_rt_sigaction, sig, zeroes, NULL, mask_size) < 0)
      return -errno;
  return syscall (SYS_rt_sigprocmask, SIG_SETMASK, zeroes, NULL, mask_size) < 0 ? -errno : 0;
}
