/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations of the document that change what the runtime does.  Whoever heeds another puts it into the table, so that engines can keep it from users
 * (features.md, "Unsafe annotations in config.json"), and so can the host. */
#ifndef ORLOP_PLAN_ANNOTATIONS_H
#define ORLOP_PLAN_ANNOTATIONS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct oci_pair;

#define ANNOTATION_STOP_SIGNAL "org.opencontainers.image.stopSignal" /* what `kill` sends by default */
#define ANNOTATION_CRIU_CONFIG "org.criu.config"                     /* a file of options for the CRIU that the runtime starts */

/* What the host allows: a name a line, or with "*" at its end all that begin so; "#" begins a comment.  Without the file all is allowed.  */
#define ANNOTATIONS_FILE "/etc/orlop/annotations"

struct annotation
{
  const char *name;  /* with a dot at its end: all that begin so */
  bool is_the_hosts; /* it reaches for what is the host's, and so is the host's to allow */
};

/* Ends with a NULL name.  */
extern const struct annotation annotations_known[];

/* True if KEY is one that reaches for what is the host's.  */
bool annotation_is_the_hosts (const char *key);

/* Looks whether the host, by FILE, allows those of the N annotations GIVEN that are its to allow.  The file is read only if there is one of them.  Returns 0,
 * -EINVAL (ERR_SPEC) with the annotation as place, or negative errno: a file that cannot be read allows nothing.  */
int annotations_check (const struct oci_pair *given, size_t n, const char *file, struct err *err);

#endif
