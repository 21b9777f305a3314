local M = {}
