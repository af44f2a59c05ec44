"""What every section of `params.yaml` stands on."""

from typing import Annotated

from pydantic import ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
STRICT = ConfigDict(frozen=True, extra="forbid")  # immutable, and no key that nothing reads
