/* SPDX-License-Identifier: Apache-2.0 */
/* orlop ps: the processes of a container, by number or as rows of the host's ps (1). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"

enum
{
  TAIL = 256 /* how much of what a failed ps said is shown */
};

struct ps_args
{
  const char *format;
};

static const struct opt ps_options[] = {
  { "format", 'f', OPT_STRING, offsetof (struct ps_args, format), "table|json", "form of the output (default: table)" },
  { .name = NULL },
};

static bool
is_in (const pid_t *pids, size_t n, long pid)
{
  for (size_t i = 0; i < n; i++)
    if (pids[i] == pid)
      return true;
  return false;
}

static int
print_json (struct cmd_call *c, const pid_t *pids, size_t n)
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream (&text, &size);
  int ret;

  if (out == NULL)
    return cmd_fail (c, "%s", strerror (ENOMEM));
  for (size_t i = 0; i < n; i++)
    (void) fprintf (out, "%s%d", i ? "," : "[", pids[i]);
  (void) fputs (n ? "]\n" : "[]\n", out);
  ret = fclose (out) == 0 ? cmd_print (c, text) : cmd_fail (c, "%s", strerror (ENOMEM));
  free (text);
  return ret;
}

/* In the process of its own: standard output and error go to the pipe.  Never returns.  */
static void __attribute__ ((noreturn))
become_ps (int out, char *const *options)
{
  static const char *const usual[] = { "-ef", NULL };
  const char *argv[512] = { "ps" };
  size_t n = 1, room = sizeof argv / sizeof *argv - 1; /* the NULL stays */

  for (const char *const *o = options[0] ? (const char *const *) options : usual; *o && n < room; o++)
    argv[n++] = *o;
  if (dup2 (out, STDOUT_FILENO) >= 0 && dup2 (out, STDERR_FILENO) >= 0)
    (void) execvp (argv[0], (char *const *) (uintptr_t) argv);
  (void) dprintf (STDERR_FILENO, "%s", strerror (errno));
  _exit (127);
}

/* Runs ps and takes all that it says.  */
static int
run_ps (struct cmd_call *c, char *const *options, char **ret_text)
{
  int fds[2], status = 0;
  char *text = NULL;
  size_t size = 0;
  pid_t pid;

  (void) signal (SIGCHLD, SIG_DFL); /* if our caller ignores it, nobody could be waited for */
  if (pipe2 (fds, O_CLOEXEC) < 0 || (pid = fork ()) < 0)
    return cmd_fail (c, "starting ps: %s", strerror (errno));
  if (pid == 0)
    become_ps (fds[1], options);
  (void) close (fds[1]); /* the end of ps is end of file */
  FILE *in = fdopen (fds[0], "r");
  ssize_t len = in ? getdelim (&text, &size, '\0', in) : -1; /* it prints no NUL */
  if (in)
    (void) fclose (in);
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (len > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0)
    {
      *ret_text = text;
      return 0;
    }
  (void) cmd_fail (c, "ps failed with status %d: %.*s", WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status), TAIL,
                   len > 0 ? text : "");
  free (text);
  return -EINVAL;
}

/* The word of LINE by its index; *RET_LEN is 0 if there are fewer.  */
static const char *
word (const char *line, size_t index, size_t *ret_len)
{
  for (;; index--)
    {
      line += strspn (line, " \t");
      *ret_len = strcspn (line, " \t\n");
      if (index == 0 || *ret_len == 0)
        return line;
      line += *ret_len;
    }
}

/* The index of the column with the title PID, or -1.  */
static int
pid_column (const char *header)
{
  for (int i = 0;; i++)
    {
      size_t len;
      const char *title = word (header, (size_t) i, &len);

      if (len == 0)
        return -1;
      if (len == 3 && memcmp (title, "PID", 3) == 0)
        return i;
    }
}

/* Prints the first line of TEXT, and of the others those whose number in the PID column is one of PIDS.  */
static int
print_rows (struct cmd_call *c, char *text, const pid_t *pids, size_t n)
{
  int column = pid_column (text), ret = 0;
  bool header = true;

  if (column < 0)
    return cmd_fail (c, "the output of ps has no column PID: ask for one (-o pid)");
  for (char *line = text, *next; ret == 0 && *line; line = next)
    {
      size_t len = strcspn (line, "\n"), word_len;
      const char *number = word (line, (size_t) column, &word_len);
      char end = line[len], after = '\0';

      next = line + len + (end != '\0');
      after = *next;
      *next = '\0';
      if (header || is_in (pids, n, strtol (number, NULL, 10)))
        ret = cmd_print (c, line);
      *next = after;
      header = false;
    }
  return ret;
}

static int
print_table (struct cmd_call *c, const pid_t *pids, size_t n)
{
  char *text = NULL;
  int ret = run_ps (c, c->argv + 1, &text);

  if (ret == 0)
    ret = print_rows (c, text, pids, n);
  free (text);
  return ret;
}

static int
ps_run (struct cmd_call *c)
{
  const struct ps_args *a = c->args;
  bool json = a->format && strcmp (a->format, "json") == 0;
  pid_t *pids = NULL;
  size_t n = 0;
  int ret;

  if (a->format && ! json && strcmp (a->format, "table") != 0)
    return cmd_fail (c, "invalid format \"%s\": table or json", a->format);
  ret = orlop_ps (c->o, c->argv[0], &pids, &n);
  if (ret == 0)
    ret = json ? print_json (c, pids, n) : print_table (c, pids, n);
  free (pids);
  return ret;
}

const struct cmd cmd_ps = { .name = "ps", .operands = "CONTAINER [OPTION-OF-PS...]", .help = "list the processes of a container", .options = ps_options,
                            .args_size = sizeof (struct ps_args), .min = 1, .max = 500, .stop = true, .failed = CMD_FAILED,
                            .run = ps_run };
