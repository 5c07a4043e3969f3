import { expect, it } from "vitest";

// Browsers get another build of MQTT.js than Node, and what a build exports
// cannot be seen in its types: importing { connect } compiled, and was undefined.
it("finds what dial.ts uses in the build for browsers", async () => {
  const path = "../../node_modules/mqtt/dist/mqtt.esm.js";
  const { default: mqtt } = await import(/* @vite-ignore */ path);
  expect(mqtt.connect).toBeTypeOf("function");
});
