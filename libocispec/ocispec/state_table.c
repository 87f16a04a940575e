/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the state of a container and of the container process state.  */
#include "ocispec/state.h"

/* One row per line, columns aligned.  */
/* clang-format off */

OCI_TYPE (oci_state,
  OCI_STR    (oci_state, oci_version, "ociVersion",  OCI_REQUIRED),
  OCI_STR    (oci_state, id,          "id",          OCI_REQUIRED),
  OCI_OPTNUM (oci_state, pid,         "pid"),
  OCI_STR    (oci_state, status,      "status",      OCI_REQUIRED),
  OCI_STR    (oci_state, bundle,      "bundle",      OCI_REQUIRED),
  OCI_STR    (oci_state, rootfs,      "rootfs",      0),
  OCI_STR    (oci_state, created,     "created",     0),
  OCI_STR    (oci_state, owner,       "owner",       0),
  OCI_STRMAP (oci_state, annotations, "annotations", 0));

OCI_TYPE (oci_process_state,
  OCI_STR  (oci_process_state, oci_version, "ociVersion", OCI_REQUIRED),
  OCI_STRS (oci_process_state, fds,         "fds",        0),
  OCI_NUM  (oci_process_state, pid,         "pid",        OCI_REQUIRED),
  OCI_STR  (oci_process_state, metadata,    "metadata",   0),
  OCI_OBJ  (oci_process_state, state,       "state",      OCI_REQUIRED, oci_state));
