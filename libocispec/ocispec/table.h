/* SPDX-License-Identifier: Apache-2.0 */
/* How a JSON object maps to a C struct: one row per property, and one decoder and one
 * encoder that walk the rows.  Everything that is read from or written as JSON goes through
 * here: the OCI documents of this library, and documents of its users alike.
 *
 * To give a struct of yours a JSON form, write one row per property:
 *
 *   struct point { const char *name; int32_t x, *y; const char **tags; size_t n_tags; };
 *
 *   static OCI_TYPE (point,
 *     OCI_STR    (point, name, "name", OCI_REQUIRED),
 *     OCI_NUM    (point, x,    "x",    OCI_REQUIRED),
 *     OCI_OPTNUM (point, y,    "y"),
 *     OCI_STRS   (point, tags, "tags", 0));
 *
 * which defines `point_type` for oci_decode and oci_encode.  The first word of each row is the
 * struct's tag.  A row does not compile when the member has not the C type that the row says.
 *
 * The rules of the C form:
 *   - absent (or null) is NULL: strings, objects, lists, maps and optional numbers are pointers;
 *   - by value are: required numbers; numbers and bools whose absence means the same as 0 or false
 *     (the encoder leaves those out when they are 0 or false and not OCI_REQUIRED);
 *   - a list is a member x and its length n_x (size_t); an empty list is not NULL; every list has
 *     one zeroed item after its last, so lists of strings end with NULL, as execve(2) wants them;
 *   - a map to strings is an array of struct oci_pair, one to numbers of struct oci_number; a map to objects is an array of objects
 *     whose first member is the key (const char *);
 *   - strings are UTF-8, end with NUL and contain none.
 * A type has at most 64 rows.  */
#ifndef OCISPEC_TABLE_H
#define OCISPEC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a property holds; of a list or map: what its items hold.  */
enum oci_kind
{
  OCI_KIND_BOOL = 1,
  OCI_KIND_NUMBER, /* integers only, no fraction (but see OCI_DECIMAL), no exponent */
  OCI_KIND_STRING,
  OCI_KIND_OBJECT,
  OCI_KIND_SKIP /* known, but not for us: any value is skipped, and not counted as unknown */
};

/* Properties of a row.  Only OCI_REQUIRED is for writers of rows, the macros know the others.  */
enum
{
  OCI_REQUIRED = 1 << 0, /* absence is a fault; always encoded */
  OCI_POINTER = 1 << 1,  /* the member points to the value */
  OCI_LIST = 1 << 2,     /* JSON array */
  OCI_MAP = 1 << 3,      /* JSON object with free keys */
  OCI_SIGNED = 1 << 4,   /* of OCI_KIND_NUMBER */
  OCI_DECIMAL = 1 << 5   /* of OCI_KIND_NUMBER: in JSON it has two decimals, the member counts hundredths */
};

/* One entry of a map to strings.  */
struct oci_pair
{
  const char *key;
  const char *value;
};

/* One entry of a map to numbers.  */
struct oci_number
{
  const char *key;
  uint64_t value;
};

struct oci_type;

/* One row.  Made by the macros below only.  */
struct oci_field
{
  const char *name;            /* of the JSON property */
  const struct oci_type *type; /* of OCI_KIND_OBJECT */
  const char *const *names;    /* the values an OCI_KIND_STRING may have, or the keys of a map to objects; NULL: any */
  uint16_t offset;             /* of the member */
  uint16_t count;              /* of the member n_x of lists and maps */
  uint8_t kind;                /* enum oci_kind */
  uint8_t flags;               /* OCI_REQUIRED ... */
  uint8_t width;               /* bytes of an OCI_KIND_NUMBER */
  uint8_t length;              /* of the name */
};

/* One kind of object.  */
struct oci_type
{
  const char *name;               /* of the C struct */
  size_t size;                    /* of the C struct */
  const struct oci_field *fields; /* ends with a NULL name */
};

/* clang-format off */

/* The pieces of the row macros.  OCI_AT is offsetof that refuses to compile unless member M of struct T has type C.  */
#define OCI_MEMBER(t, m) (((struct t *) 0)->m)
#define OCI_AT(t, m, c)                                                                                               \
  (offsetof (struct t, m)                                                                                             \
   + 0                                                                                                                \
         * sizeof (struct {                                                                                           \
             _Static_assert (__builtin_types_compatible_p (__typeof__ (OCI_MEMBER (t, m)), c),                        \
                             #t "." #m " is not " #c);                                                                \
             int oci_dummy;                                                                                           \
           }))
#define OCI_COUNT(t, m) OCI_AT (t, n_##m, size_t)
/* Fails to compile for anything but an integer of fixed width.  */
#define OCI_SIGN(x)                                                                                                   \
  _Generic ((x),                                                                                                      \
      int8_t: OCI_SIGNED,                                                                                             \
      int16_t: OCI_SIGNED,                                                                                            \
      int32_t: OCI_SIGNED,                                                                                            \
      int64_t: OCI_SIGNED,                                                                                            \
      uint8_t: 0,                                                                                                     \
      uint16_t: 0,                                                                                                    \
      uint32_t: 0,                                                                                                    \
      uint64_t: 0)
/* The offset of member M if it is the first of struct T, which the key of a map to objects must be.  */
#define OCI_FIRST(t, m)                                                                                               \
  (OCI_AT (t, m, const char *)                                                                                        \
   + 0                                                                                                                \
         * sizeof (struct {                                                                                           \
             _Static_assert (offsetof (struct t, m) == 0, #t "." #m " must be first");                                \
             int oci_dummy;                                                                                           \
           }))
#define OCI_NAME(k) .name = (k), .length = sizeof (k) - 1

/* The rows.  T: tag of the struct; M: member; K: JSON name; F: OCI_REQUIRED or 0; NAMES: NULL-terminated list of
 * allowed words; C: tag of the struct of the object or objects, whose type is C_type.  */

/* bool m */
#define OCI_BOOL(t, m, k, f)                                                                                          \
  { OCI_NAME (k), .kind = OCI_KIND_BOOL, .flags = (f), .offset = OCI_AT (t, m, bool) }
/* bool *m */
#define OCI_OPTBOOL(t, m, k)                                                                                          \
  { OCI_NAME (k), .kind = OCI_KIND_BOOL, .flags = OCI_POINTER, .offset = OCI_AT (t, m, bool *) }
/* [u]intN_t m */
#define OCI_NUM(t, m, k, f)                                                                                           \
  { OCI_NAME (k), .kind = OCI_KIND_NUMBER, .flags = (f) | OCI_SIGN (OCI_MEMBER (t, m)),                               \
    .width = sizeof (OCI_MEMBER (t, m)), .offset = offsetof (struct t, m) }
/* uint64_t m, in hundredths: 12.34 is 1234 */
#define OCI_HUNDREDTHS(t, m, k, f)                                                                                    \
  { OCI_NAME (k), .kind = OCI_KIND_NUMBER, .flags = (f) | OCI_DECIMAL, .width = sizeof (uint64_t),                    \
    .offset = OCI_AT (t, m, uint64_t) }
/* uint64_t *m, in hundredths */
#define OCI_OPTHUNDREDTHS(t, m, k)                                                                                    \
  { OCI_NAME (k), .kind = OCI_KIND_NUMBER, .flags = OCI_POINTER | OCI_DECIMAL, .width = sizeof (uint64_t),            \
    .offset = OCI_AT (t, m, uint64_t *) }
/* [u]intN_t *m */
#define OCI_OPTNUM(t, m, k)                                                                                           \
  { OCI_NAME (k), .kind = OCI_KIND_NUMBER, .flags = OCI_POINTER | OCI_SIGN (*OCI_MEMBER (t, m)),                      \
    .width = sizeof (*OCI_MEMBER (t, m)), .offset = offsetof (struct t, m) }
/* [u]intN_t *m; size_t n_m */
#define OCI_NUMS(t, m, k, f)                                                                                          \
  { OCI_NAME (k), .kind = OCI_KIND_NUMBER, .flags = (f) | OCI_LIST | OCI_SIGN (*OCI_MEMBER (t, m)),                   \
    .width = sizeof (*OCI_MEMBER (t, m)), .offset = offsetof (struct t, m), .count = OCI_COUNT (t, m) }
/* const char *m */
#define OCI_STR(t, m, k, f)                                                                                           \
  { OCI_NAME (k), .kind = OCI_KIND_STRING, .flags = (f), .offset = OCI_AT (t, m, const char *) }
/* const char *m, one of NAMES */
#define OCI_ENUM(t, m, k, f, list)                                                                                    \
  { OCI_NAME (k), .kind = OCI_KIND_STRING, .flags = (f), .offset = OCI_AT (t, m, const char *), .names = (list) }
/* const char **m; size_t n_m */
#define OCI_STRS(t, m, k, f)                                                                                          \
  { OCI_NAME (k), .kind = OCI_KIND_STRING, .flags = (f) | OCI_LIST, .offset = OCI_AT (t, m, const char **),           \
    .count = OCI_COUNT (t, m) }
/* const char **m; size_t n_m, each one of NAMES */
#define OCI_ENUMS(t, m, k, f, list)                                                                                   \
  { OCI_NAME (k), .kind = OCI_KIND_STRING, .flags = (f) | OCI_LIST, .offset = OCI_AT (t, m, const char **),           \
    .count = OCI_COUNT (t, m), .names = (list) }
/* struct c *m */
#define OCI_OBJ(t, m, k, f, c)                                                                                        \
  { OCI_NAME (k), .kind = OCI_KIND_OBJECT, .flags = (f) | OCI_POINTER, .offset = OCI_AT (t, m, struct c *),           \
    .type = &c##_type }
/* struct c m, an object that is always there */
#define OCI_PART(t, m, k, c)                                                                                          \
  { OCI_NAME (k), .kind = OCI_KIND_OBJECT, .flags = OCI_REQUIRED, .offset = OCI_AT (t, m, struct c), .type = &c##_type }
/* struct c *m; size_t n_m */
#define OCI_OBJS(t, m, k, f, c)                                                                                       \
  { OCI_NAME (k), .kind = OCI_KIND_OBJECT, .flags = (f) | OCI_LIST, .offset = OCI_AT (t, m, struct c *),              \
    .count = OCI_COUNT (t, m), .type = &c##_type }
/* struct oci_pair *m; size_t n_m */
#define OCI_STRMAP(t, m, k, f)                                                                                        \
  { OCI_NAME (k), .kind = OCI_KIND_STRING, .flags = (f) | OCI_MAP, .offset = OCI_AT (t, m, struct oci_pair *),        \
    .count = OCI_COUNT (t, m) }
/* struct oci_number *m; size_t n_m */
#define OCI_NUMMAP(t, m, k, f)                                                                                        \
  { OCI_NAME (k), .kind = OCI_KIND_NUMBER, .flags = (f) | OCI_MAP, .width = sizeof (uint64_t),                        \
    .offset = OCI_AT (t, m, struct oci_number *), .count = OCI_COUNT (t, m) }
/* struct c *m; size_t n_m, where struct c begins with `const char *KEY`; LIST: allowed keys or NULL */
#define OCI_OBJMAP(t, m, k, f, c, key, list)                                                                          \
  { OCI_NAME (k), .kind = OCI_KIND_OBJECT, .flags = (f) | OCI_MAP,                                                    \
    .offset = OCI_AT (t, m, struct c *) + OCI_FIRST (c, key), .count = OCI_COUNT (t, m), .type = &c##_type,           \
    .names = (list) }
/* no member: known and skipped */
#define OCI_SKIP(k) { OCI_NAME (k), .kind = OCI_KIND_SKIP }

/* Defines t_type for struct t from its rows.  */
#define OCI_TYPE(t, ...)                                                                                              \
  const struct oci_type t##_type = { .name = #t,                                                                      \
                                     .size = sizeof (struct t),                                                       \
                                     .fields = (const struct oci_field[]){ __VA_ARGS__, { .name = NULL } } }

/* clang-format on */

enum
{
  OCI_DOCUMENT_MAX = 16 << 20, /* bytes of a document; a config.json has about 20 KiB */
  OCI_MEMORY_MAX = 64 << 20,   /* bytes that decoding one document may take */
  OCI_DEPTH_MAX = 32,          /* nested arrays and objects; the deepest OCI document has 9 */
  OCI_FAULTS_MAX = 64          /* faults that are kept; the others are only counted */
};

/* One thing wrong with a document.  */
struct oci_fault
{
  unsigned line;   /* 1-based */
  unsigned column; /* 1-based, in characters */
  char path[160];  /* mounts[3].destination, linux.sysctl["net.core.somaxconn"]; "" is the whole document */
  char what[256];  /* lower case, no full stop: expected string, got number */
};

/* All that is wrong with a document, by line.  */
struct oci_faults
{
  size_t total;            /* faults found */
  size_t n;                /* faults kept: total, or OCI_FAULTS_MAX */
  size_t n_unknown;        /* properties that have no row; not a fault, they were ignored */
  char first_unknown[160]; /* JSON path of the first of them, or "" */
  struct oci_fault fault[OCI_FAULTS_MAX];
};

/* Memory of one document, in chunks that are released at once.  NULL is an empty arena.  */
struct oci_arena;

/* Takes SIZE zeroed bytes (0 counts as 1), aligned for any type, from *ARENA, which grows as needed.  They live
 * until oci_arena_free.  Returns NULL when memory is short.  */
void *oci_alloc (struct oci_arena **arena, size_t size);

/* Copies the LEN bytes at TEXT into *ARENA and adds a NUL.  Returns NULL when memory is short.  */
char *oci_strndup (struct oci_arena **arena, const char *text, size_t len);

/* Bytes that ARENA has taken from the system.  */
size_t oci_arena_size (const struct oci_arena *arena);

/* Releases everything in ARENA; nothing for NULL.  */
void oci_arena_free (struct oci_arena *arena);

/* Reads LEN bytes of JSON TEXT into a fresh object of TYPE.  The object and all it points to live in *ARENA (which
 * may be NULL or hold other things); TEXT is not needed afterwards.  FAULTS (may be NULL) is overwritten: it gets every
 * fault of the document, not only the first, ordered by position; only a fault of JSON syntax ends the search early.
 * Unknown properties are ignored and counted (config.md, Extensibility).  Properties given twice are faults, known or
 * not. Returns 0 and sets *RET_OBJECT; or -EINVAL: the document has faults; -EFBIG: it is longer than OCI_DOCUMENT_MAX
 * or needs more than OCI_MEMORY_MAX (said as a fault too); -ENOMEM.  On failure *RET_OBJECT is not written, and *ARENA
 * may have grown: the caller frees it in any case.  */
int oci_decode (const struct oci_type *type, const char *text, size_t len, void **ret_object, struct oci_arena **arena,
                struct oci_faults *faults);

/* Finds line and column (both 1-based, columns in characters) of the value at the JSON path PATH (as in struct
 * oci_fault) in TEXT of LEN bytes.  Returns 0, or 1 if there is no such value and the place is that of the nearest
 * object or array around it.  Returns -EINVAL if TEXT is no JSON (what precedes the mistake is searched nevertheless:
 * the place is set to the best match, at least 1:1), -ENOMEM.  */
int oci_locate (const char *text, size_t len, const char *path, unsigned *ret_line, unsigned *ret_column);

/* Writes OBJECT of TYPE as JSON: PRETTY in lines indented by two spaces with a line feed at the end, else in one line
 * without.  Absent values are left out.  *RET_TEXT ends with NUL, not counted in *RET_LEN (which may be NULL), and is
 * freed by the caller with free(3).  Returns 0, -EILSEQ if a string is not UTF-8, or -ENOMEM; then nothing is written.
 */
int oci_encode (const struct oci_type *type, const void *object, bool pretty, char **ret_text, size_t *ret_len);

/* Returns the value of KEY among the N pairs of a map, or NULL.  */
const char *oci_pair_value (const struct oci_pair *pairs, size_t n, const char *key);

#endif
