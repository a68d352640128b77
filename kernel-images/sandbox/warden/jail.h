#ifndef WARDEN_JAIL_H
#define WARDEN_JAIL_H

#include "options.h"

/* A step that did not succeed: its name, or NULL; errno says why. The caller reports it and runs nothing. */
typedef const char *failed_step;

/* second-uid: gives the writable folders, which may be fresh mounts, to the sandbox's user. Needs CAP_CHOWN. */
failed_step own_writable_folders(const struct options *options);

/* second-uid: makes the five device nodes of the jail, which the image ships as empty files. Needs CAP_MKNOD. */
failed_step make_devices(const struct options *options);

/*
 * nested-namespace: moves this process into new user, pid (for its children), network, ipc, uts and mount namespaces,
 * where the jail is read-only but for the writable folders and five device nodes.
 */
failed_step enter_namespaces(const struct options *options);

/* Goes into the jail for good: no folder outside is held open afterwards. */
failed_step enter_jail(const struct options *options);

#endif
