import { CleanRoomError } from '@clean-room/protocol/errors';

/** The address of a repository in a registry, such as `https://europe-docker.pkg.dev/project/clean-room`. */
export interface RegistryAddress {
  readonly origin: string;
  /** Host and port. Credentials are stored under this name. */
  readonly host: string;
  readonly repository: string;
}

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;

/** Returns whether a URL points to this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function throwMalformed(message: string, remedy: string): never {
  throw new CleanRoomError('malformed', message, { remedy });
}

/**
 * Parses `host[:port]/repository`, with or without `https://`. Plain HTTP is allowed only for a registry on this machine.
 *
 * @throws CleanRoomError `malformed`
 */
export function parseAddress(text: string): RegistryAddress {
  const shown = text.slice(0, 200).replace(/\/\/[^/]*@/, '//');
  const whole = /^https?:\/\//.test(text) ? text : `https://${text}`;
  if (!URL.canParse(whole))
    throwMalformed(`"${shown}" is not the address of an image repository.`, 'Write it as host/repository.');
  const url = new URL(whole);
  const repository = url.pathname.slice(1);
  if (url.username !== '' || url.password !== '')
    throwMalformed(
      'The address of a registry must not contain credentials.',
      'Remove them from the address, and log in with "docker login".'
    );
  if (url.search !== '' || url.hash !== '' || repository.length > 255 || !REPOSITORY.test(repository))
    throwMalformed(
      `"${shown}" is not the address of an image repository.`,
      'Write it as host/repository, without a tag.'
    );
  requireSafeUrl(url, url);
  return { origin: url.origin, host: url.host, repository };
}

/**
 * Checks that a URL uses HTTPS. Plain HTTP is allowed only if both the URL and the registry are on this machine.
 *
 * @throws CleanRoomError `malformed`
 */
export function requireSafeUrl(url: URL, registry: URL): void {
  if (url.protocol === 'https:') return;
  if (url.protocol === 'http:' && isLoopback(url) && isLoopback(registry)) return;
  throwMalformed(
    `The registry address ${url.protocol}//${url.host} does not use HTTPS.`,
    'Use a registry that supports HTTPS. Plain HTTP is allowed only for a registry on this machine.'
  );
}

/** Returns a URL for messages and logs, without its query, which may contain signatures and upload states. */
export function redactedUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
