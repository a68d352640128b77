import { ID_PATTERN } from '../../../platform/ids.js';

/** The label with the name of the deployment, by which a coordinator finds its own machines and no others. */
export const DEPLOYMENT_LABEL = 'clean-room-deployment';
/** The label with the id of the attempt. */
export const ATTEMPT_LABEL = 'clean-room-attempt';

/** An id of Compute Engine must begin with a letter, and the id of an attempt begins with a digit. */
const PREFIX = 'cr-';
const ID = new RegExp(ID_PATTERN);

/** Returns the name of an attempt's machine. It is always the same, so that an attempt has one machine in a zone. */
export function instanceName(attempt: string): string {
  return `${PREFIX}${attempt}`;
}

/** Returns the attempt that a machine's labels name, or undefined when this program has not written them. */
export function attemptOf(labels: Readonly<Record<string, string>> | null | undefined): string | undefined {
  const attempt = labels?.[ATTEMPT_LABEL];
  return attempt !== undefined && ID.test(attempt) ? attempt : undefined;
}
