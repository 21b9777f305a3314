#!/usr/bin/env bats
# gen init: projects of this host and of nvidia-smi's text, and what it refuses.

load common

smi() { # smi FILE [OPTION...]: init from a sample
    file=$root/tests/data/nvidia-smi/$1
    shift
    run_split "$GEN" init project --from-nvidia-smi "$file" "$@"
}

has() { # has LINE: the topology has it, comments and blanks apart
    sed 's/ *#.*//; s/^ *//' project/topology.yaml | grep -qxF "$1" || {
        echo "no '$1' in:"
        cat project/topology.yaml
        return 1
    }
}

@test "a project of this host can be planned as it is" {
    run_split "$GEN" init project
    expect 0
    [ "$(ls project | tr '\n' ' ')" = "README.md model.yaml topology.yaml workload.yaml " ]
    [[ "$output" == *"
  cd project
  gen make -m model.yaml -t topology.yaml -w workload.yaml -s ma-separation -o out
  gen build out
  gen verify out" ]]
    cd project
    "$GEN" make -m model.yaml -t topology.yaml -w workload.yaml -s ma-separation -o out
}

@test "as JSON" {
    run_split "$GEN" init project --json
    expect 0
    jq -e '.directory == "project" and .ranks >= 4 and (.next | length == 3)' stdout.txt
}

@test "eight A100 on a switch; nvidia-smi -L names them; ports of storage are left out" {
    smi dgx-a100.txt
    expect 0
    has 'gpus: 8'
    has 'nics: 8'
    has 'type: a100-80gb'
    has 'type: nvlink3'
    has 'bandwidth: 300 GB/s'
    cd project
    "$GEN" make -m model.yaml -t topology.yaml -w workload.yaml -s ma-separation -o out
}

@test "eight H100, the header underlined as on a terminal, from stdin" {
    run_split "$GEN" init project --from-nvidia-smi - --gpu h100-80gb \
        <"$root/tests/data/nvidia-smi/dgx-h100.txt"
    expect 0
    has 'type: nvlink4'
    has 'bandwidth: 450 GB/s'
    has 'nics: 8'
}

@test "two GPUs joined by a bridge" {
    smi two-rtx-3090.txt --gpu rtx-3090
    expect 0
    has 'gpus: 2'
    has 'nics: 0'
    has 'bandwidth: 56.25 GB/s'
}

@test "two GPUs on PCIe, tabs lost, a port named as older drivers do" {
    smi two-rtx-4090-blanks.txt --gpu rtx-4090
    expect 0
    has 'type: pcie4'
    has 'bandwidth: 25 GB/s'
    has 'nics: 1'
}

@test "one GPU: the strategy of the next command is single" {
    smi one-l40s.txt
    expect 0
    [[ "$output" == *" -s single -o out"* ]]
    cd project
    "$GEN" make -m model.yaml -t topology.yaml -w workload.yaml -s single -o out
}

@test "pairs that differ: the slowest is taken, with a warning" {
    smi four-a100-pcie-bridged.txt --gpu a100-80gb-pcie
    expect 0
    has 'type: pcie4'
    [ "${errors#*: }" = "warning[E0326]: this pair of GPUs is joined by less than others: the topology takes it for all
    2 | GPU0	 X 	NV12	SYS	SYS	0-15	0		N/A
      |     	   	    	^^^
  help: if ranks that talk much can be put on the faster pairs, raise link.bandwidth" ]
}

# refused STATUS MESSAGE: and nothing was written.
refused() {
    expect "$1"
    [ ! -e project ]
    [ "${errors#*.txt}" = "$2" ] || {
        printf 'said: %s\n' "${errors#*.txt}"
        return 1
    }
}

@test "a text that is cut off in a row" {
    smi cut-in-a-row.txt
    refused 65 ":15:21: error[E0321]: the row of GPU5 has 4 of 18 connections: the text is cut off
   15 | GPU5	NV12	NV12	NV12	NV1
      |     	    	    	    	^^^
  help: write the whole output: nvidia-smi topo -m > FILE"
}

@test "a text that is cut off between rows" {
    smi cut-after-a-row.txt
    expect 65
    [ ! -e project ]
    grep -qF 'error[E0321]: GPU5 has a column and no row: the text is cut off' stderr.txt
}

@test "a text that contradicts itself" {
    smi contradictory.txt --gpu rtx-3090
    refused 65 ":3:6: error[E0323]: line 2 says that the same two are joined by NV4
    3 | GPU1	NV2	 X 	0-31	0		N/A
      |     	^^^
  help: write the whole output: nvidia-smi topo -m > FILE"
}

@test "a connection that there is not" {
    smi unknown-connection.txt --gpu rtx-3090
    refused 65 ":3:6: error[E0322]: 'NVL' is no connection that nvidia-smi prints
    3 | GPU1	NVL	 X 	0-31	0		N/A
      |     	^^^
  help: connections are X, NV and a number, PIX, PXB, PHB, NODE, SYS"
}

@test "another command's output" {
    smi not-topo.txt
    expect 65
    [ ! -e project ]
    grep -qF ':1: error[E0320]: no line names GPU0: this is not what nvidia-smi topo -m prints' \
        stderr.txt
}

@test "which GPUs these are is not guessed" {
    smi dgx-h100.txt
    expect 2
    [ ! -e project ]
    grep -qF 'error[E0324]: nvidia-smi topo -m does not say which GPUs these are' stderr.txt
    grep -qF 'help: write --gpu TYPE, one of: v100-16gb,' stderr.txt
    smi dgx-h100.txt --gpu h100-80
    expect 2
    [ "$errors" = "--gpu: error[E0324]: there are no figures for the type 'h100-80'
  help: did you mean h100-80gb?" ]
}

@test "more NVLinks than the GPU has" {
    smi dgx-h100.txt --gpu a100-80gb
    expect 65
    grep -qF 'two GPUs are joined by 18 NVLinks, more than the 12 of type a100-80gb' stderr.txt
}

@test "a type without a text to use it for" {
    run_split "$GEN" init project --gpu h100-80gb
    expect 2
    [ "$errors" = "--gpu: error[E0914]: the topology of this host has no GPUs
  help: give --from-nvidia-smi or --from-nccl-xml as well, or leave --gpu out" ]
}

@test "a missing file" {
    run_split "$GEN" init project --from-nvidia-smi nowhere.txt
    expect 66
    [ ! -e project ]
}

@test "a directory with files is left alone; an empty one is taken, also as ." {
    mkdir mine
    echo precious >mine/notes.txt
    run_split "$GEN" init mine
    expect 73
    [ "$errors" = "mine: error[E0905]: there are files already, such as notes.txt
  help: name a new or an empty directory" ]
    [ "$(ls mine)" = notes.txt ]
    mkdir empty
    cd empty
    run "$GEN" init .
    [ "$status" -eq 0 ]
    [[ "$output" != *"  cd "* ]]
    [ -s topology.yaml ]
    run "$GEN" init .
    [ "$status" -eq 73 ]
}

@test "a file in the place of the directory, and a parent that is not there" {
    touch file
    run_split "$GEN" init file
    expect 73
    [ "$errors" = "file: error[E0905]: a project cannot be made here: Not a directory
  help: name a new directory" ]
    run_split "$GEN" init no/where
    expect 73
    [ "$errors" = "no/where: error[E0904]: the directory cannot be made: No such file or directory
  help: make the folder that it is to lie in first" ]
}

nccl() { # nccl FILE [OPTION...]: init from a sample of NCCL's
    file=$root/tests/data/nccl-xml/$1
    shift
    run_split "$GEN" init project --from-nccl-xml "$file" "$@"
}

@test "NCCL's XML: eight A100 on a switch, named by their PCI number; rate of the ports" {
    nccl dgx-a100.xml
    expect 0
    has 'gpus: 8'
    has 'nics: 8'
    has 'nic_bandwidth: 25 GB/s'
    has 'type: a100-80gb'
    has 'type: nvlink3'
    has 'bandwidth: 300 GB/s'
    cd project
    "$GEN" make -m model.yaml -t topology.yaml -w workload.yaml -s ma-separation -o out
}

@test "NCCL's XML: eight H100, from stdin" {
    run_split "$GEN" init project --from-nccl-xml - <"$root/tests/data/nccl-xml/dgx-h100.xml"
    expect 0
    has 'nic_bandwidth: 50 GB/s'
    has 'type: nvlink4'
    has 'bandwidth: 450 GB/s'
}

@test "NCCL's XML: PCIe only; a port whose driver knows no speed" {
    nccl four-l40s.xml
    expect 0
    [ -z "$errors" ]
    has 'type: l40s'
    has 'type: pcie4'
    has 'bandwidth: 24 GB/s'
    has 'nics: 1'
    run grep -c '^ *nic_bandwidth' project/topology.yaml
    [ "$output" = 0 ]
}

@test "NCCL's XML: two sockets without NVLink are as slow as the way between them, with a warning" {
    nccl two-sockets.xml
    expect 0
    has 'type: a100-80gb-pcie'
    has 'bandwidth: 10 GB/s'
    has 'nic_bandwidth: 12.5 GB/s'
    grep -qF 'warning[E0326]: this pair of GPUs is joined by less than others' stderr.txt
}

@test "NCCL's XML: an older one does not say which GPUs these are" {
    nccl two-rtx-3090.xml
    expect 2
    [ ! -e project ]
    grep -qF ':6:8: error[E0324]: the file does not say which GPUs these are' stderr.txt
    nccl two-rtx-3090.xml --gpu rtx-4090
    expect 65
    grep -qF 'error[E0325]: the GPUs have sm 86, a rtx-4090 has 89' stderr.txt
    nccl two-rtx-3090.xml --gpu rtx-3090
    expect 0
    has 'bandwidth: 56.25 GB/s'
}

@test "a topology that is told twice" {
    nccl dgx-a100.xml --from-nvidia-smi "$root/tests/data/nvidia-smi/dgx-a100.txt"
    expect 2
    [ "$errors" = "--from-nccl-xml: error[E0915]: the topology is told twice, by --from-nvidia-smi too
  help: give the file that tells more: NCCL's" ]
}
