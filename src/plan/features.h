/* SPDX-License-Identifier: Apache-2.0 */
/* What this build supports, from the very tables that the code uses. */
#ifndef ORLOP_PLAN_FEATURES_H
#define ORLOP_PLAN_FEATURES_H

struct err;

/* Annotations of the document that change what the runtime does.  Whoever heeds another names it here and lists it in features.c, so that engines
 * can keep it from users (features.md, "Unsafe annotations in config.json").  */
#define FEATURES_STOP_SIGNAL "org.opencontainers.image.stopSignal" /* what `kill` sends by default */
#define FEATURES_CRIU_CONFIG "org.criu.config"                     /* a file of options for the CRIU that the runtime starts */

/* Makes the features document, JSON text that the caller frees.  Independent of the machine (features.md).  Returns 0 or negative errno.  */
int features_make (char **ret_json, struct err *err);

#endif
