#ifndef WARDEN_CONFINE_H
#define WARDEN_CONFINE_H

#include "jail.h"

/*
 * Sets the resource limits of each process. They are a second line of defence after the limits that the warden watches,
 * and never above the present limits.
 */
failed_step set_limits(const struct limits *limits);

/* Empties the capability bounding set. This needs CAP_SETPCAP, so it must happen before the user changes. */
failed_step empty_bounding_set(void);

/* second-uid: changes to the user of the sandbox, without supplementary groups. */
failed_step become_user(uid_t uid);

/* Drops all capabilities. */
failed_step drop_capabilities(void);

/* Sets no_new_privs and loads the filter. Afterwards only the system calls of the policy are allowed. */
failed_step load_policy(const struct sock_fprog *policy);

/* Writes the effective capabilities as 16 hexadecimal digits, for the report of the probe. */
failed_step effective_capabilities(char out[17]);

#endif
