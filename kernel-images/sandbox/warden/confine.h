#ifndef WARDEN_CONFINE_H
#define WARDEN_CONFINE_H

#include "jail.h"

/* Resource limits of each process: backstops behind what the warden watches. Never above what is allowed already. */
failed_step set_limits(const struct limits *limits);

/* Must come before the user changes: dropping from the bounding set needs CAP_SETPCAP. */
failed_step empty_bounding_set(void);

/* second-uid: becomes the sandbox's user with no groups. */
failed_step become_user(uid_t uid);

/* Gives up every capability there is. */
failed_step drop_capabilities(void);

/* No new privileges, then the filter: from here on only what the policy allows. */
failed_step load_policy(const struct sock_fprog *policy);

/* The capabilities in effect as 16 hex digits, for the report of the probe. */
failed_step effective_capabilities(char out[17]);

#endif
