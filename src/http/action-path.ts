/** Where the original action API lives; its errors have a shape of their own. */
export const ACTION_PATH = "/api/ai/queue"
