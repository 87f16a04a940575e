/* SPDX-License-Identifier: Apache-2.0 */
/* A client of liborlop: makes a container of a bundle, looks at it, starts it, waits until it has ended and deletes it.
 *
 *     cc example.c $(pkg-config --cflags --libs liborlop) -o example
 *     sudo ./example BUNDLE [STATE-DIRECTORY]
 */
#include <orlop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
fail (struct orlop *o)
{
  const struct orlop_error *e = orlop_error (o);

  (void) fprintf (stderr, "example: %s\n", e->text);
  if (e->hint[0])
    (void) fprintf (stderr, "example: hint: %s\n", e->hint);
  return -1;
}

/* The status of container ID as the list of containers has it, copied into BUF.  */
static int
get_status (struct orlop *o, const char *id, char *buf, size_t size)
{
  struct orlop_container *list;
  size_t n;

  if (orlop_list (o, &list, &n) < 0)
    return -1;
  (void) snprintf (buf, size, "gone");
  for (size_t i = 0; i < n; i++)
    if (strcmp (list[i].id, id) == 0)
      (void) snprintf (buf, size, "%s", list[i].status);
  free (list);
  return 0;
}

static int
live (struct orlop *o, const char *id)
{
  char status[32];

  do
    {
      if (get_status (o, id, status, sizeof status) < 0)
        return -1;
      (void) usleep (10000);
    }
  while (strcmp (status, "running") == 0);
  (void) printf ("%s is %s\n", id, status);
  return 0;
}

static int
run (struct orlop *o, const char *id, const char *bundle)
{
  struct orlop_create_options options;
  char *state;

  (void) memset (&options, 0, sizeof options);
  options.bundle = bundle;
  if (orlop_create (o, id, &options) < 0 || orlop_state (o, id, &state) < 0)
    return -1;
  (void) printf ("created: %s\n", state);
  (void) fflush (stdout);
  free (state);
  return orlop_start (o, id) < 0 ? -1 : live (o, id);
}

int
main (int argc, char **argv)
{
  const char *id = "example";
  struct orlop *o = orlop_new ();
  int ret;

  if (argc < 2 || argc > 3 || o == NULL)
    return 2;
  if (argc == 3 && orlop_set_root (o, argv[2]) < 0)
    return 2;
  ret = run (o, id, argv[1]);
  if (ret < 0)
    (void) fail (o);
  if (orlop_delete (o, id, true) < 0) /* with force: no error if it was never made */
    ret = fail (o);
  orlop_free (o);
  return ret < 0;
}
