"""Prints what SDK 3 puts in the channel ``sm_drivers``: a JSON object of texts by path.

Run by the interpreter of an environment that has the SDK. Arguments: the script of the driver,
``torchrun_driver.py`` or ``mpi_driver.py``, and the number of processes on each host.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sagemaker.train import container_drivers, templates

driver, processes = sys.argv[1], int(sys.argv[2])
folder = Path(next(iter(container_drivers.__path__)))
files = {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.py")}
config = {"process_count_per_node": processes, "mpi_additional_options": ["-x", "GREETING=hello"]}
files["distributed.json"] = json.dumps(config)
files["sourcecode.json"] = json.dumps({"source_dir": "code", "entry_script": "train.py"})
files["sm_train.sh"] = templates.TRAIN_SCRIPT_TEMPLATE.format(
    working_dir="cd /opt/ml/input/data/code",
    install_requirements="",
    execute_driver=templates.EXEUCTE_DISTRIBUTED_DRIVER.format(
        driver_name="distributed", driver_script=driver
    ),
).lstrip()
print(json.dumps(files))
