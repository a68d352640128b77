import { CleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';

/** Returns the event number in a `Last-Event-ID` header, or undefined when the header is missing. */
function lastEvent(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw new CleanRoomError(
    'malformed',
    'The header Last-Event-ID does not contain an event number of this server.',
    {
      remedy: 'Open the event stream again without this header.'
    }
  );
}

/** Adds the stream of events (server-sent events). */
export function eventRoutes(app: App, context: CoordinatorContext): void {
  mountFor(app, context, routes.streamEvents, async ({ request, reply }, caller) => {
    const stream = context.services.events.open(caller.party, lastEvent(request.headers['last-event-id']));
    request.raw.on('close', () => stream.destroy());
    return reply
      .type('text/event-stream')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(stream);
  });
}
