import type { FastifyReply } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ResponseOf, RouteDefinition } from '../../client/route.js';
import { mount, type App, type Call } from '../../platform/http/index.js';
import type { Context } from '../context.js';
import { callerOf, type Caller } from './caller.js';

type Answer<D> = Promise<ResponseOf<D> | FastifyReply>;

/** Mounts a route for those kinds of caller that its definition names. */
export function mountFor<D extends RouteDefinition>(
  app: App,
  context: Context,
  route: D,
  handler: (call: Call<D>, caller: Caller) => Answer<D>
): void {
  mount(app, route, async call => {
    const caller = await callerOf(context, call.request);
    if (!route.callers.includes(caller.kind)) {
      throw new CleanRoomError('forbidden', `A ${caller.kind} can not do this.`, {
        remedy: `It takes a ${route.callers.join(' or a ')}.`
      });
    }
    return handler(call, caller);
  });
}
