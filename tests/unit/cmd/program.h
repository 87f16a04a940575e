/* SPDX-License-Identifier: Apache-2.0 */
/* The program without its library: main.c itself, with functions of orlop.h that note what they were given.  A command line goes in; the
 * call that came of it, what was printed and the exit status come out. */
#ifndef TESTS_CMD_PROGRAM_H
#define TESTS_CMD_PROGRAM_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define main program_main
int program_main (int argc, char **argv);
#include "main.c"
#undef main

#include "kernel/signal.h"

enum
{
  LINE_WORDS = 64
};

/* What the last command line led to.  */
static struct
{
  char call[32];  /* "create"; "" for none */
  char id[64], root[64], notify[64];
  char json[1024], resources[64], schemata[64], devices[128]; /* of update; "": none */
  struct orlop_create_options create;
  struct orlop_criu_options criu;
  char program[64], empty_ns[16];
  struct orlop_exec_options exec;
  unsigned gids[8];
  int signal;
  bool flag;      /* all, force, rootless */
  const char *const *ids; /* of delete_several and events */
  size_t n_ids;
  uint64_t interval_ns;
  enum orlop_cgroup_manager manager;
  enum orlop_log_level level;
  bool logs;
  int status;
  char out[16384], err[4096];
} seen;

/* What the next call answers.  */
static struct
{
  int ret, status;
  const char *json;
  struct orlop_container list[4];
  size_t n_list;
  struct orlop_mount mounts[2];
  size_t n_mounts;
  pid_t pids[4];
  size_t n_pids;
  struct orlop_usage usages[8]; /* one after the other */
  int usage_ret[8];
  size_t n_usages; /* that were asked for */
} answer;

struct orlop
{
  struct orlop_error error;
};

static inline int
note (const char *call, const char *id)
{
  assert_string_equal (seen.call, ""); /* one line, one deed */
  (void) snprintf (seen.call, sizeof seen.call, "%s", call);
  (void) snprintf (seen.id, sizeof seen.id, "%s", id ? id : "");
  return answer.ret;
}

struct orlop *
orlop_new (void)
{
  struct orlop *o = calloc (1, sizeof *o);

  o->error = (struct orlop_error){ .kind = ORLOP_ERROR_STATE, .num = 2, .file = "", .step = "a.step", .call = "", .where = "",
                                   .object = "", .what = "what", .hint = "advice", .text = "the text" };
  return o;
}

void
orlop_free (struct orlop *o)
{
  free (o);
}

int
orlop_set_root (struct orlop *o, const char *dir)
{
  (void) o;
  (void) snprintf (seen.root, sizeof seen.root, "%s", dir);
  return 0;
}

void
orlop_set_log (struct orlop *o, enum orlop_log_level level, void (*write) (void *, enum orlop_log_level, const char *), void *data)
{
  (void) o;
  seen.level = level;
  seen.logs = true;
  write (data, ORLOP_LOG_WARNING, "a warning");
}

void
orlop_set_cgroup_manager (struct orlop *o, enum orlop_cgroup_manager manager)
{
  (void) o;
  seen.manager = manager;
}

int
orlop_set_notify_socket (struct orlop *o, const char *path)
{
  (void) o;
  (void) snprintf (seen.notify, sizeof seen.notify, "%s", path);
  return path[0] == '/' ? 0 : -EINVAL;
}

void
orlop_set_exiting (struct orlop *o)
{
  (void) o;
}

const struct orlop_error *
orlop_error (const struct orlop *o)
{
  return &o->error;
}

int
orlop_create (struct orlop *o, const char *id, const struct orlop_create_options *options)
{
  (void) o;
  seen.create = *options;
  return note ("create", id);
}

int
orlop_run (struct orlop *o, const char *id, const struct orlop_create_options *options, int *ret_status)
{
  (void) o;
  seen.create = *options;
  *ret_status = answer.status;
  return note ("run", id);
}

static inline int
give_json (const char *call, const char *id, char **ret_json)
{
  int ret = note (call, id);

  if (ret == 0)
    *ret_json = strdup (answer.json ? answer.json : "{}\n");
  return ret;
}

int
orlop_plan (struct orlop *o, const char *id, const struct orlop_create_options *options, char **ret_text)
{
  (void) o;
  seen.create = *options;
  return give_json ("plan", id, ret_text);
}

int
orlop_start (struct orlop *o, const char *id)
{
  (void) o;
  return note ("start", id);
}

int
orlop_kill (struct orlop *o, const char *id, int signal, bool all)
{
  (void) o;
  seen.signal = signal;
  seen.flag = all;
  return note ("kill", id);
}

int
orlop_kill_matching (struct orlop *o, const char *regex, int signal, bool all)
{
  (void) o;
  seen.signal = signal;
  seen.flag = all;
  return note ("kill_matching", regex);
}

int
orlop_set_criu (struct orlop *o, const char *program)
{
  (void) o;
  (void) snprintf (seen.program, sizeof seen.program, "%s", program);
  return 0;
}

int
orlop_checkpoint (struct orlop *o, const char *id, const struct orlop_criu_options *options)
{
  (void) o;
  seen.criu = *options;
  (void) snprintf (seen.empty_ns, sizeof seen.empty_ns, "%s", options->empty_ns ? options->empty_ns[0] : "");
  return note ("checkpoint", id);
}

int
orlop_restore (struct orlop *o, const char *id, const struct orlop_create_options *options, const struct orlop_criu_options *criu, int *ret_status)
{
  (void) o;
  seen.create = *options;
  seen.criu = *criu;
  (void) snprintf (seen.empty_ns, sizeof seen.empty_ns, "%s", criu->empty_ns ? criu->empty_ns[0] : "");
  *ret_status = answer.status;
  return note ("restore", id);
}

int
orlop_pause (struct orlop *o, const char *id)
{
  (void) o;
  return note ("pause", id);
}

int
orlop_resume (struct orlop *o, const char *id)
{
  (void) o;
  return note ("resume", id);
}

int
orlop_update (struct orlop *o, const char *id, const struct orlop_update_options *options)
{
  (void) o;
  (void) snprintf (seen.json, sizeof seen.json, "%s", options->json ? options->json : "");
  (void) snprintf (seen.resources, sizeof seen.resources, "%s", options->resources ? options->resources : "");
  (void) snprintf (seen.schemata, sizeof seen.schemata, "%s|%s", options->l3_cache_schema ? options->l3_cache_schema : "",
                   options->mem_bw_schema ? options->mem_bw_schema : "");
  for (size_t i = 0; i < 2; i++)
    for (const char *const *d = i ? options->devices_removed : options->devices; d && *d; d++)
      (void) snprintf (seen.devices + strlen (seen.devices), sizeof seen.devices - strlen (seen.devices), "%c%s", i ? '-' : '+', *d);
  return note ("update", id);
}

int
orlop_events (struct orlop *o, const char *const *ids, size_t n, const struct orlop_events_options *options)
{
  (void) o;
  seen.flag = options->once;
  seen.interval_ns = options->interval_ns;
  seen.ids = ids;
  seen.n_ids = n;
  if (answer.json)
    answer.ret = options->event (options->data, answer.json);
  return note ("events", ids[0]);
}

int
orlop_mounts_add (struct orlop *o, const char *id, const char *file)
{
  (void) o;
  (void) snprintf (seen.resources, sizeof seen.resources, "%s", file);
  return note ("mounts_add", id);
}

int
orlop_mounts_remove (struct orlop *o, const char *id, const char *file)
{
  (void) o;
  (void) snprintf (seen.resources, sizeof seen.resources, "%s", file);
  return note ("mounts_remove", id);
}

int
orlop_mounts_list (struct orlop *o, const char *id, struct orlop_mount **ret_list, size_t *ret_n)
{
  (void) o;
  *ret_list = malloc (sizeof answer.mounts);
  memcpy (*ret_list, answer.mounts, sizeof answer.mounts);
  *ret_n = answer.n_mounts;
  return note ("mounts_list", id);
}

int
orlop_mounts_list_json (struct orlop *o, const char *id, char **ret_json)
{
  (void) o;
  *ret_json = strdup (answer.json ? answer.json : "");
  return note ("mounts_list_json", id);
}

int
orlop_usage (struct orlop *o, const char *id, struct orlop_usage *ret_usage)
{
  (void) o;
  assert_true (answer.n_usages < 8);
  (void) snprintf (seen.id, sizeof seen.id, "%s", id);
  *ret_usage = answer.usages[answer.n_usages];
  return answer.usage_ret[answer.n_usages++];
}

int
orlop_metrics (struct orlop *o, char **ret_text)
{
  (void) o;
  *ret_text = answer.json ? strdup (answer.json) : NULL;
  return note ("metrics", NULL);
}

int
orlop_ps (struct orlop *o, const char *id, pid_t **ret_pids, size_t *ret_n)
{
  (void) o;
  *ret_pids = malloc (sizeof answer.pids);
  memcpy (*ret_pids, answer.pids, sizeof answer.pids);
  *ret_n = answer.n_pids;
  return note ("ps", id);
}

int
orlop_delete_matching (struct orlop *o, const char *regex, bool force)
{
  (void) o;
  seen.flag = force;
  return note ("delete_matching", regex);
}

int
orlop_delete_several (struct orlop *o, const char *const *ids, size_t n, bool force)
{
  (void) o;
  seen.flag = force;
  seen.ids = ids;
  seen.n_ids = n;
  return note ("delete_several", ids[0]);
}

int
orlop_signal (const char *name)
{
  return signal_number (name);
}

int
orlop_delete (struct orlop *o, const char *id, bool force)
{
  (void) o;
  seen.flag = force;
  return note ("delete", id);
}

int
orlop_state (struct orlop *o, const char *id, char **ret_json)
{
  (void) o;
  return give_json ("state", id, ret_json);
}

int
orlop_list (struct orlop *o, struct orlop_container **ret_list, size_t *ret_n)
{
  (void) o;
  *ret_list = malloc (sizeof answer.list);
  memcpy (*ret_list, answer.list, sizeof answer.list);
  *ret_n = answer.n_list;
  return strcmp (seen.call, "list") == 0 ? answer.ret : note ("list", NULL); /* stats looks again and again */
}

int
orlop_list_json (struct orlop *o, char **ret_json)
{
  (void) o;
  return give_json ("list_json", NULL, ret_json);
}

int
orlop_exec (struct orlop *o, const char *id, const struct orlop_exec_options *options, int *ret_status)
{
  (void) o;
  seen.exec = *options;
  for (size_t i = 0; i < options->n_additional_gids && i < 8; i++)
    seen.gids[i] = options->additional_gids[i];
  *ret_status = answer.status;
  return note ("exec", id);
}

int
orlop_spec (struct orlop *o, bool rootless, char **ret_json)
{
  (void) o;
  seen.flag = rootless;
  return give_json ("spec", NULL, ret_json);
}

int
orlop_features (struct orlop *o, char **ret_json)
{
  (void) o;
  return give_json ("features", NULL, ret_json);
}

const char *
orlop_version (void)
{
  return "1.2.3";
}

/* Takes what was written to FD, which becomes OLD again.  */
static inline void
take_output (int fd, int old, int file, char *buf, size_t size)
{
  ssize_t n = pread (file, buf, size - 1, 0);

  buf[n > 0 ? n : 0] = '\0';
  (void) dup2 (old, fd);
  close (old);
  close (file);
}

/* Runs `orlop LINE`, whose words one space separates; "_" is an empty word.  Returns the exit status.  */
static inline int
orlop (const char *line)
{
  static char text[4096], *argv[LINE_WORDS + 1];
  int argc = 1, out = memfd_create ("out", 0), err = memfd_create ("err", 0), old_out, old_err;

  memset (&seen, 0, sizeof seen);
  (void) snprintf (text, sizeof text, "%s", line);
  argv[0] = (char *) "orlop";
  for (char *word = strtok (text, " "); word && argc < LINE_WORDS; word = strtok (NULL, " "))
    argv[argc++] = strcmp (word, "_") == 0 ? (char *) "" : word;
  argv[argc] = NULL;
  fflush (NULL);
  old_out = dup (1);
  old_err = dup (2);
  (void) dup2 (out, 1);
  (void) dup2 (err, 2);
  seen.status = program_main (argc, argv);
  take_output (1, old_out, out, seen.out, sizeof seen.out);
  take_output (2, old_err, err, seen.err, sizeof seen.err);
  return seen.status;
}

/* A setup function: answers of success.  */
static inline int
program_begin (void **state)
{
  (void) state;
  memset (&answer, 0, sizeof answer);
  return 0;
}

#define program_test(function) cmocka_unit_test_setup (function, program_begin)

/* LINE leads to CALL for ID with success.  */
static inline void
assert_deed (const char *line, const char *call, const char *id)
{
  if (orlop (line) != 0 || strcmp (seen.call, call) != 0 || strcmp (seen.id, id) != 0)
    fail_msg ("orlop %s: %s %s, status %d, %s", line, seen.call, seen.id, seen.status, seen.err);
}

/* LINE is refused with STATUS and a message that has WORDS; nothing is done.  */
static inline void
assert_refused (const char *line, int status, const char *words)
{
  if (orlop (line) != status || seen.call[0] != '\0' || strstr (seen.err, words) == NULL || seen.out[0] != '\0')
    fail_msg ("orlop %s: called \"%s\", status %d, \"%s\"", line, seen.call, seen.status, seen.err);
}

/* `orlop NAME --help` and its other spellings have a line for each row of C's table.  */
static inline void
assert_help (const struct cmd *c)
{
  static const char *const forms[] = { "%s --help", "%s -h", "%s -?", "%s --usage", "help %s" };
  char line[64], row[64];

  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    {
      (void) snprintf (line, sizeof line, forms[i], c->name);
      assert_int_equal (orlop (line), 0);
      assert_string_equal (seen.call, "");
      assert_string_equal (seen.err, "");
      (void) snprintf (row, sizeof row, "Usage: orlop %s [OPTION...] %s\n", c->name, c->operands);
      assert_int_equal (strncmp (seen.out, row, strlen (row)), 0);
      for (const struct opt *o = c->options; o->name; o++)
        {
          (void) snprintf (row, sizeof row, "--%s%s%s ", o->name, o->value ? " " : "", o->value ? o->value : "");
          if (o->help && (strstr (seen.out, row) == NULL || strstr (seen.out, o->help) == NULL))
            fail_msg ("%s: %s is not in its help", c->name, row);
        }
    }
}

#endif
