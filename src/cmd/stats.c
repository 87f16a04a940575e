/* SPDX-License-Identifier: Apache-2.0 */
/* orlop stats: what containers use, as a table that is drawn again and again.  The terminal's modes are left alone: whatever signal ends
 * us, there is nothing to put back. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "ocispec/table.h"

struct stats_args
{
  const char *format, *interval;
  bool no_stream;
};

static const struct opt stats_options[] = {
  { "format", 'f', OPT_STRING, offsetof (struct stats_args, format), "table|json", "form of the output (default: table)" },
  { "no-stream", 0, OPT_FLAG, offsetof (struct stats_args, no_stream), NULL, "print once, and exit" },
  { "interval", 0, OPT_STRING, offsetof (struct stats_args, interval), "DURATION", "time between two readings (default: 1s)" },
  { .name = NULL },
};

/* One container now; cpu is in hundredths of a percent of one processor, or ORLOP_UNKNOWN at the first reading.  */
struct row
{
  char *id;
  struct orlop_usage usage;
  uint64_t cpu, memory_share;
};

struct frame
{
  struct row *rows;
  size_t n;
};

static void
frame_free (struct frame *f)
{
  for (size_t i = 0; i < f->n; i++)
    free (f->rows[i].id);
  free (f->rows);
  *f = (struct frame){ .rows = NULL };
}

/* --- reading */

static uint64_t
machine_memory (void)
{
  long pages = sysconf (_SC_PHYS_PAGES), size = sysconf (_SC_PAGESIZE);

  return pages > 0 && size > 0 ? (uint64_t) pages * (uint64_t) size : 0;
}

/* PART of WHOLE in hundredths of a percent.  */
static uint64_t
share (uint64_t part, uint64_t whole)
{
  return whole ? (uint64_t) ((unsigned __int128) part * 10000 / whole) : ORLOP_UNKNOWN;
}

/* Memory is told in parts of its limit, or of the machine's if that is less.  */
static uint64_t
memory_share (const struct orlop_usage *u)
{
  uint64_t whole = machine_memory ();

  if (u->memory == ORLOP_UNKNOWN)
    return ORLOP_UNKNOWN;
  return share (u->memory, u->memory_limit < whole ? u->memory_limit : whole);
}

static uint64_t
cpu_share (const struct row *now, const struct frame *before)
{
  for (size_t i = 0; i < before->n; i++)
    {
      const struct orlop_usage *b = &before->rows[i].usage;

      if (strcmp (before->rows[i].id, now->id) == 0 && now->usage.cpu_ns >= b->cpu_ns) /* less: another one of its name */
        return share (now->usage.cpu_ns - b->cpu_ns, now->usage.at_ns - b->at_ns);
    }
  return ORLOP_UNKNOWN;
}

/* True for an error of orlop_usage which says that the container has ended.  */
static bool
has_ended (int error)
{
  return error == -ENOENT || error == -ESRCH || error == -ENODEV;
}

static int
add_row (struct cmd_call *c, struct frame *f, const struct frame *before, const char *id)
{
  static const struct orlop_usage nothing = { .cpu_ns = ORLOP_UNKNOWN, .memory = ORLOP_UNKNOWN, .memory_limit = ORLOP_UNKNOWN,
                                              .pids = ORLOP_UNKNOWN, .pids_limit = ORLOP_UNKNOWN, .io_read = ORLOP_UNKNOWN,
                                              .io_written = ORLOP_UNKNOWN, .net_received = ORLOP_UNKNOWN, .net_sent = ORLOP_UNKNOWN };
  struct row row = { .cpu = ORLOP_UNKNOWN, .memory_share = ORLOP_UNKNOWN };
  int ret = orlop_usage (c->o, id, &row.usage);
  struct row *rows;

  if (ret < 0 && ret != -ENOTSUP)
    return ret;
  if (ret == -ENOTSUP) /* it has no cgroup of its own */
    row.usage = nothing;
  row.id = strdup (id);
  rows = realloc (f->rows, (f->n + 1) * sizeof *rows);
  if (rows)
    f->rows = rows;
  if (row.id == NULL || rows == NULL)
    {
      free (row.id);
      return cmd_fail (c, "%s", strerror (ENOMEM));
    }
  if (ret == 0)
    {
      row.cpu = cpu_share (&row, before);
      row.memory_share = memory_share (&row.usage);
    }
  f->rows[f->n++] = row;
  return 0;
}

/* Reads the containers that were named, or all that have not stopped, into F.  At the FIRST time those that were named must be there; later
 * they may have ended.  */
static int
read_frame (struct cmd_call *c, struct frame *f, const struct frame *before, bool first)
{
  struct orlop_container *list = NULL;
  size_t n = (size_t) c->argc;
  int ret = c->argc ? 0 : orlop_list (c->o, &list, &n);

  for (size_t i = 0; ret == 0 && i < n; i++)
    {
      ret = add_row (c, f, before, list ? list[i].id : c->argv[i]);
      if (has_ended (ret) && (list || ! first))
        ret = 0;
    }
  free (list);
  return ret;
}

/* --- writing */

static const char *const titles[] = { "ID", "CPU %", "MEMORY", "LIMIT", "MEM %", "PIDS", "DISK READ", "WRITTEN", "NET RECEIVED", "SENT" };

enum
{
  N_COLUMNS = sizeof titles / sizeof *titles,
  CELL = 32,
  NARROWEST = 20
};

/* A number of bytes for people: "12.5MiB".  */
static void
put_bytes (char *cell, uint64_t n)
{
  static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
  size_t unit = 0;
  uint64_t rest = 0;

  if (n == ORLOP_UNKNOWN)
    {
      (void) strcpy (cell, "-");
      return;
    }
  for (; n >= 1024; n /= 1024, unit++)
    rest = n % 1024;
  if (unit == 0)
    (void) snprintf (cell, CELL, "%" PRIu64 "B", n);
  else
    (void) snprintf (cell, CELL, "%" PRIu64 ".%" PRIu64 "%s", n, rest * 10 / 1024, units[unit]);
}

static void
put_count (char *cell, uint64_t n)
{
  (void) snprintf (cell, CELL, n == ORLOP_UNKNOWN ? "-" : "%" PRIu64, n);
}

static void
put_share (char *cell, uint64_t n)
{
  (void) snprintf (cell, CELL, n == ORLOP_UNKNOWN ? "-" : "%" PRIu64 ".%02" PRIu64, n / 100, n % 100);
}

/* All cells but the id.  */
static void
put_cells (const struct row *r, char cell[N_COLUMNS][CELL])
{
  put_share (cell[1], r->cpu);
  put_bytes (cell[2], r->usage.memory);
  put_bytes (cell[3], r->usage.memory_limit);
  put_share (cell[4], r->memory_share);
  put_count (cell[5], r->usage.pids);
  put_bytes (cell[6], r->usage.io_read);
  put_bytes (cell[7], r->usage.io_written);
  put_bytes (cell[8], r->usage.net_received);
  put_bytes (cell[9], r->usage.net_sent);
}

/* Writes one line of at most COLUMNS characters, and END.  */
static void
put_line (FILE *out, const char *id, int id_width, const char *const cell[N_COLUMNS], size_t columns, const char *end)
{
  char line[2048];
  int used = snprintf (line, sizeof line, "%-*s", id_width, id);

  for (size_t i = 1; i < N_COLUMNS && used < (int) sizeof line; i++)
    used += snprintf (line + used, sizeof line - (size_t) used, "  %*s", (int) strlen (titles[i]) < 9 ? 9 : (int) strlen (titles[i]), cell[i]);
  (void) fprintf (out, "%.*s%s", (int) (columns < sizeof line ? columns : sizeof line), line, end);
}

/* Writes the table, cut to COLUMNS and LINES, every line with END.  */
static void
put_table (FILE *out, const struct frame *f, size_t columns, size_t lines, const char *end)
{
  int width = (int) strlen (titles[0]);
  char cell[N_COLUMNS][CELL];
  const char *cells[N_COLUMNS];

  for (size_t i = 0; i < f->n; i++)
    if ((int) strlen (f->rows[i].id) > width)
      width = (int) strlen (f->rows[i].id);
  put_line (out, titles[0], width, titles, columns, end);
  for (size_t i = 0; i < N_COLUMNS; i++)
    cells[i] = cell[i];
  for (size_t i = 0; i < f->n && i + 1 < lines; i++)
    {
      put_cells (&f->rows[i], cell);
      put_line (out, f->rows[i].id, width, cells, columns, end);
    }
}

/* One row of the JSON; what is not known is left out.  */
struct json_row
{
  const char *id;
  uint64_t *cpu_percent, *cpu_ns, *memory, *memory_limit, *memory_percent, *pids, *pids_limit, *io_read, *io_written, *net_received, *net_sent;
};

static OCI_TYPE (json_row,
  OCI_STR           (json_row, id,             "id",             OCI_REQUIRED),
  OCI_OPTHUNDREDTHS (json_row, cpu_percent,    "cpu_percent"),
  OCI_OPTNUM        (json_row, cpu_ns,         "cpu_ns"),
  OCI_OPTNUM        (json_row, memory,         "memory"),
  OCI_OPTNUM        (json_row, memory_limit,   "memory_limit"),
  OCI_OPTHUNDREDTHS (json_row, memory_percent, "memory_percent"),
  OCI_OPTNUM        (json_row, pids,           "pids"),
  OCI_OPTNUM        (json_row, pids_limit,     "pids_limit"),
  OCI_OPTNUM        (json_row, io_read,        "io_read"),
  OCI_OPTNUM        (json_row, io_written,     "io_written"),
  OCI_OPTNUM        (json_row, net_received,   "net_received"),
  OCI_OPTNUM        (json_row, net_sent,       "net_sent"));

static uint64_t *
known (uint64_t *n)
{
  return *n == ORLOP_UNKNOWN ? NULL : n;
}

/* An array in one line.  */
static int
put_json (FILE *out, struct frame *f)
{
  (void) fputc ('[', out);
  for (size_t i = 0; i < f->n; i++)
    {
      struct row *r = &f->rows[i];
      struct orlop_usage *u = &r->usage;
      const struct json_row row = { .id = r->id, .cpu_percent = known (&r->cpu), .cpu_ns = known (&u->cpu_ns), .memory = known (&u->memory),
                                    .memory_limit = known (&u->memory_limit), .memory_percent = known (&r->memory_share),
                                    .pids = known (&u->pids), .pids_limit = known (&u->pids_limit), .io_read = known (&u->io_read),
                                    .io_written = known (&u->io_written), .net_received = known (&u->net_received),
                                    .net_sent = known (&u->net_sent) };
      char *text = NULL;
      int ret = oci_encode (&json_row_type, &row, false, &text, NULL);

      if (ret < 0)
        return ret;
      (void) fprintf (out, "%s%s", i ? "," : "", text);
      free (text);
    }
  (void) fputs ("]\n", out);
  return 0;
}

/* How a frame is shown.  */
struct screen
{
  bool json, terminal;
  bool again; /* a frame was shown before */
};

/* On a terminal the new frame is drawn over the old one; elsewhere an empty line parts them.  */
static void
put_screen (FILE *out, const struct screen *s, const struct frame *f)
{
  struct winsize size = { 0 };

  if (! s->terminal)
    {
      (void) fputs (s->again ? "\n" : "", out);
      put_table (out, f, SIZE_MAX, SIZE_MAX, "\n");
      return;
    }
  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < NARROWEST || size.ws_row < 2)
    size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
  (void) fputs (s->again ? "\033[H" : "\033[H\033[J", out);
  put_table (out, f, size.ws_col, size.ws_row - 1u, "\033[K\n");
  (void) fputs ("\033[J", out);
}

static int
show (struct cmd_call *c, struct screen *s, struct frame *f)
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream (&text, &size);
  int ret = out ? 0 : -ENOMEM;

  if (out && s->json)
    ret = put_json (out, f);
  else if (out)
    put_screen (out, s, f);
  if (out && fclose (out) != 0)
    ret = -ENOMEM;
  ret = ret < 0 ? cmd_fail (c, "%s", strerror (-ret)) : cmd_print (c, text); /* one write: no half of a frame is seen */
  free (text);
  s->again = true;
  return ret;
}

/* --- again and again */

static void
do_nothing (int signal)
{
  (void) signal;
}

/* Sleeps for NS; when the terminal's size changes, F is shown again.  */
static int
wait_for_next (struct cmd_call *c, struct screen *s, struct frame *f, uint64_t ns)
{
  struct timespec now, t;
  uint64_t until, at;
  sigset_t mask;
  int ret = 0;

  (void) sigprocmask (SIG_BLOCK, NULL, &mask);
  (void) sigdelset (&mask, SIGWINCH);
  (void) clock_gettime (CLOCK_MONOTONIC, &now);
  at = (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
  for (until = at + ns; ret == 0 && at < until; at = (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec)
    {
      t = (struct timespec){ .tv_sec = (time_t) ((until - at) / 1000000000), .tv_nsec = (long) ((until - at) % 1000000000) };
      if (ppoll (NULL, 0, &t, &mask) < 0 && errno == EINTR && s->terminal && s->again)
        ret = show (c, s, f);
      (void) clock_gettime (CLOCK_MONOTONIC, &now);
    }
  return ret;
}

/* SIGWINCH comes only while we wait.  */
static void
watch_size (void)
{
  const struct sigaction action = { .sa_handler = do_nothing };
  sigset_t set;

  (void) sigemptyset (&set);
  (void) sigaddset (&set, SIGWINCH);
  (void) sigprocmask (SIG_BLOCK, &set, NULL); /* neither can fail with these */
  (void) sigaction (SIGWINCH, &action, NULL);
}

/* The processors' use takes two readings: a table shows the first one without it, JSON and a single print wait for the second.  */
static int
stream (struct cmd_call *c, struct screen *s, uint64_t ns, bool once)
{
  struct frame before = { .rows = NULL }, now = { .rows = NULL };
  int ret = read_frame (c, &now, &before, true);

  if (ret == 0 && ! once && ! s->json)
    ret = show (c, s, &now);
  while (ret == 0)
    {
      ret = wait_for_next (c, s, &now, ns);
      frame_free (&before);
      before = now;
      now = (struct frame){ .rows = NULL };
      if (ret == 0)
        ret = read_frame (c, &now, &before, false);
      if (ret == 0 && ! once && c->argc && now.n == 0)
        break; /* all that were named have ended */
      if (ret == 0)
        ret = show (c, s, &now);
      if (once)
        break;
    }
  frame_free (&before);
  frame_free (&now);
  return ret;
}

static int
stats_run (struct cmd_call *c)
{
  const struct stats_args *a = c->args;
  struct screen s = { .json = a->format && strcmp (a->format, "json") == 0 };
  uint64_t ns = 1000000000;
  int ret = cmd_interval (c, a->interval, &ns);

  if (ret < 0)
    return ret;
  if (a->format && ! s.json && strcmp (a->format, "table") != 0)
    return cmd_fail (c, "invalid format \"%s\": table or json", a->format);
  s.terminal = ! s.json && ! a->no_stream && isatty (STDOUT_FILENO);
  if (s.terminal)
    watch_size ();
  return stream (c, &s, ns, a->no_stream);
}

const struct cmd cmd_stats = { .name = "stats", .operands = "[CONTAINER...]", .help = "show what containers use as a table, again and again",
                               .options = stats_options, .args_size = sizeof (struct stats_args), .min = 0, .max = INT_MAX,
                               .failed = CMD_FAILED, .run = stats_run };
