export type WireFormat = "openai-chat" | "anthropic-messages"

export const VENDORS: Record<string, { wireFormat: WireFormat; baseUrl: string; simulatorPath: string }> = {
  openai: { wireFormat: "openai-chat", baseUrl: "https://api.openai.com/v1", simulatorPath: "/openai/v1" },
  anthropic: {
    wireFormat: "anthropic-messages",
    baseUrl: "https://api.anthropic.com",
    simulatorPath: "/anthropic",
  },
  deepseek: { wireFormat: "openai-chat", baseUrl: "https://api.deepseek.com", simulatorPath: "/deepseek" },
}
