#ifndef WARDEN_JAIL_H
#define WARDEN_JAIL_H

#include "options.h"

/*
 * The name of the setup step that failed, with errno set, or NULL on success. The caller reports it and runs nothing.
 */
typedef const char *failed_step;

/*
 * second-uid: makes the user of the sandbox the owner of the writable folders, which may be new mounts. Needs
 * CAP_CHOWN.
 */
failed_step own_writable_folders(const struct options *options);

/* second-uid: creates the five device nodes of the jail, which are empty files in the image. Needs CAP_MKNOD. */
failed_step make_devices(const struct options *options);

/*
 * nested-namespace: moves this process into new user, pid (for its children), network, ipc, uts and mount namespaces,
 * in which the jail is read-only except for the writable folders and five device nodes.
 */
failed_step enter_namespaces(const struct options *options);

/* Changes the root folder to the jail. No folder outside the jail may be open afterwards. */
failed_step enter_jail(const struct options *options);

#endif
