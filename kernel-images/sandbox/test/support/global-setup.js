import { registerHooks } from 'node:module';

// Jest runs this file without its own module loader. Node strips the types, but imports of `.js` must find `.ts` files.
registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!/^\..*\.js$/.test(specifier)) throw error;
      return next(specifier.replace(/\.js$/, '.ts'), context);
    }
  }
});

/** Prepares the fixtures before the first test file. */
export default async function prepare() {
  const { prepareFixtures } = await import('./fixtures.ts');
  await prepareFixtures();
}
