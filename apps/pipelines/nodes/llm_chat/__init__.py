"""Model answer: asks a model by capability; the answer streams to whoever watches.

With `schema` the answer is JSON that fits it, and is shown when it is whole. With `tools` the model may call them, for
`max_rounds` rounds and `max_calls` calls at the most; `text` is what it says in the end. The input `images` holds ids
of files. What the model and the tools say is data: it chooses no tool that is not named here, and no file that this
step was not given or made.

Costs: what the model's price says, for each round; a second try for the form of an answer is one more.
When it fails: the next endpoint is asked as long as no word was said; then the step fails. An answer that does not
fit `schema` is asked for once more, and fails then.
After a kill: rounds and tool calls that were answered are not made again; what streamed is taken back and told anew.
"""

from apps.pipelines.nodes.llm_chat.node import LlmChatNode

__all__ = ["NODE", "LlmChatNode"]

NODE = LlmChatNode()
