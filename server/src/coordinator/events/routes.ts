import { CleanRoomError } from '@clean-room/protocol/errors';
import { streamEvents } from '../../client/coordinator/events.js';
import type { App } from '../../platform/http/index.js';
import { mountFor } from '../access/mount.js';
import type { Context } from '../context.js';

function lastEvent(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw new CleanRoomError('malformed', 'The header Last-Event-ID is not one of this server’s.');
}

export function eventRoutes(app: App, context: Context): void {
  mountFor(app, context, streamEvents, async ({ request, reply }, caller) => {
    const stream = context.parts.events.open(caller.party, lastEvent(request.headers['last-event-id']));
    request.raw.on('close', () => stream.destroy());
    return reply
      .type('text/event-stream')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(stream);
  });
}
