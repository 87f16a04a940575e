/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime says about a container: the state (runtime.md), which `state` prints and hooks read, and the
 * container process state (config-linux.md), which a seccomp agent reads.  How absence looks in C is told in table.h.
 */
#ifndef OCISPEC_STATE_H
#define OCISPEC_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "ocispec/table.h"

struct oci_state
{
  const char *oci_version; /* required */
  const char *id;          /* required */
  int32_t *pid;            /* the spec wants it when created or running; engines want 0 when stopped */
  const char *status;      /* required; of oci_status_names, or a word of the runtime's own */
  const char *bundle;      /* required; absolute */
  const char *rootfs;      /* beyond the spec: absolute path of the root file system; engines read it */
  const char *created;     /* beyond the spec: RFC 3339 time; engines read it */
  const char *owner;       /* beyond the spec: name or id of the user; engines read it */
  struct oci_pair *annotations;
  size_t n_annotations;
};

struct oci_process_state
{
  const char *oci_version; /* required */
  const char **fds;        /* names of the descriptors sent along, in order */
  size_t n_fds;
  int32_t pid; /* required */
  const char *metadata;
  struct oci_state *state; /* required */
};

extern const struct oci_type oci_state_type;
extern const struct oci_type oci_process_state_type;

#endif
