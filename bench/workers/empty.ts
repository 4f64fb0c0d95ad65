/** What a start costs before there is anything in it. */
export default {
  fetch: () => new Response(),
}
