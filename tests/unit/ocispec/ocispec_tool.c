/* SPDX-License-Identifier: Apache-2.0 */
/* libocispec for tests in other languages:
 *   ocispec-tool rows               every row of every document: document, path, kind, required or -, words or -
 *   ocispec-tool encode TYPE FILE   decodes FILE and writes it again; exit status 1 with `line:column: path: what` on
 * standard error ocispec-tool locate PATH FILE   line:column, and `~` before it if only what is around was found  */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocispec/config.h"
#include "ocispec/features.h"
#include "ocispec/state.h"

static const struct
{
  const char *name;
  const struct oci_type *type;
} documents[] = { { "config", &oci_config_type },
                  { "process", &oci_process_type },
                  { "resources", &oci_resources_type },
                  { "state", &oci_state_type },
                  { "process-state", &oci_process_state_type },
                  { "features", &oci_features_type } };

enum
{
  N_DOCUMENTS = sizeof documents / sizeof documents[0]
};

static void
print_kind (const struct oci_field *field)
{
  static const char *const kinds[] = {
    [OCI_KIND_BOOL] = "boolean", [OCI_KIND_STRING] = "string", [OCI_KIND_OBJECT] = "object", [OCI_KIND_SKIP] = "skip"
  };

  if (field->kind == OCI_KIND_NUMBER)
    printf ("\t%sint%d", field->flags & OCI_SIGNED ? "" : "u", field->width * 8);
  else
    printf ("\t%s", kinds[field->kind]);
}

/* A list or map has a line of its own, and one for its items, whose name ends with [] or .*  */
static void
print_rows (const char *document, const char *path, const struct oci_type *type)
{
  for (const struct oci_field *field = type->fields; field->name; field++)
    {
      const char *items = field->flags & OCI_LIST ? "[]" : field->flags & OCI_MAP ? ".*" : "";
      char name[512];

      snprintf (name, sizeof name, "%s%s%s", path, path[0] ? "." : "", field->name);
      if (items[0])
        printf ("%s\t%s\t%s\t%s\t-\n", document, name, field->flags & OCI_LIST ? "array" : "map",
                field->flags & OCI_REQUIRED ? "required" : "-");
      strncat (name, items, sizeof name - strlen (name) - 1);
      printf ("%s\t%s", document, name);
      print_kind (field);
      printf ("\t%s\t", field->flags & OCI_REQUIRED && ! items[0] ? "required" : "-");
      for (const char *const *word = field->names; word && *word; word++)
        printf ("%s%s", word == field->names ? "" : " ", *word);
      puts (field->names ? "" : "-");
      if (field->type)
        print_rows (document, name, field->type);
    }
}

static int
rows (void)
{
  for (size_t i = 0; i < N_DOCUMENTS; i++)
    print_rows (documents[i].name, "", documents[i].type);
  return 0;
}

/* Reads a whole file, of which nothing beyond one byte more than the library takes.  */
static char *
read_file (const char *path, size_t *ret_len)
{
  size_t size = OCI_DOCUMENT_MAX + 1;
  char *text = malloc (size);
  FILE *f = fopen (path, "r");

  if (f == NULL || text == NULL)
    {
      perror (path);
      exit (2);
    }
  *ret_len = fread (text, 1, size, f);
  fclose (f);
  return text;
}

static int
encode (const struct oci_type *type, const char *path)
{
  static struct oci_faults faults;
  struct oci_arena *arena = NULL;
  char *text, *result = NULL;
  void *object;
  size_t len;
  int ret;

  text = read_file (path, &len);
  ret = oci_decode (type, text, len, &object, &arena, &faults);
  free (text);
  for (size_t i = 0; i < faults.n; i++)
    fprintf (stderr, "%u:%u: %s: %s\n", faults.fault[i].line, faults.fault[i].column, faults.fault[i].path,
             faults.fault[i].what);
  if (ret == 0)
    ret = oci_encode (type, object, true, &result, NULL);
  oci_arena_free (arena);
  if (ret < 0)
    return 1;
  fputs (result, stdout);
  free (result);
  if (faults.n_unknown)
    fprintf (stderr, "%zu unknown, the first is %s\n", faults.n_unknown, faults.first_unknown);
  return 0;
}

static int
locate (const char *json_path, const char *path)
{
  unsigned line, column;
  size_t len;
  char *text = read_file (path, &len);
  int ret = oci_locate (text, len, json_path, &line, &column);

  free (text);
  if (ret < 0)
    return 1;
  printf ("%s%u:%u\n", ret ? "~" : "", line, column);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "rows") == 0)
    return rows ();
  if (argc == 4 && strcmp (argv[1], "locate") == 0)
    return locate (argv[2], argv[3]);
  if (argc == 4 && strcmp (argv[1], "encode") == 0)
    for (size_t i = 0; i < N_DOCUMENTS; i++)
      if (strcmp (argv[2], documents[i].name) == 0)
        return encode (documents[i].type, argv[3]);
  fputs ("usage: ocispec-tool rows | encode TYPE FILE | locate PATH FILE\n", stderr);
  return 2;
}
