import type { Credentials } from '@clean-room/oci';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Registries of Google, and this machine. The token of a service account is sent to no other host. */
const GOOGLE_HOST = /^(?:[a-z0-9-]+\.)*(?:pkg\.dev|gcr\.io)$|^127\.0\.0\.1:\d+$/;

/** Returns whether a registry takes the credentials of a Google service account. */
function takesGoogleCredentials(host: string): boolean {
  return GOOGLE_HOST.test(host);
}

/** Returns whether a repository, as `host/name` or with its scheme, is in such a registry. Only this machine may be without TLS. */
export function isGoogleRepository(repository: string): boolean {
  const [, scheme = 'https', host = ''] = /^(?:(https?):\/\/)?([^/]+)\//.exec(repository) ?? [];
  return takesGoogleCredentials(host) && (scheme === 'https' || host.startsWith('127.0.0.1:'));
}

/**
 * Returns a lookup of the access token of this machine's service account, from the metadata server. The token is cached and
 * renewed before it expires.
 *
 * @throws CleanRoomError `registry-failed` from the lookup, when the metadata server does not answer
 */
export async function googleCredentials(): Promise<Credentials> {
  const { Compute } = await import('google-auth-library');
  const machine = new Compute();
  return async host => {
    if (!takesGoogleCredentials(host)) return undefined;
    try {
      const { token } = await machine.getAccessToken();
      if (typeof token !== 'string') throw new Error('the metadata server returned no token');
      return { username: 'oauth2accesstoken', password: token };
    } catch (cause) {
      throw new CleanRoomError(
        'registry-failed',
        'The metadata server of this machine did not return a token for the registry.',
        {
          remedy:
            'Run this server on Google Cloud with a service account, or set "credentials" to "docker" and log in with "docker login".',
          cause
        }
      );
    }
  };
}
